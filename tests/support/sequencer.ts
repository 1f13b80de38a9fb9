import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, from the longest on: begun last, they would be waited for alone. */
const LONG = [
  ...["hubs/clearing-processes", "browser/pages", "commands/demo", "browser/exchange", "hubs/processes"],
  ...["hubs/agreements-credit", "commands/peer", "domain/failpoints", "browser/clearing"],
];

/** Begins the long files first, also where no run before has shown which they are. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/tests/${name}.test.ts`));
      return index < 0 ? LONG.length : index;
    };
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}
