import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConsentBundle } from "../../src/domain/agreements/bundle.ts";
import type { Statement } from "../../src/domain/agreements/consents.ts";
import { checkBundle } from "../../src/federation/consent-bundle.ts";
import { digestMultibase } from "../../src/federation/proofs.ts";
import { readEvent, readOffer, readTerms, sameTerms } from "../../src/federation/vocab/agreement-terms.ts";
import { bundleOf, HISTORY, type Said } from "../support/bundle.ts";

const PROPOSAL = "https://market.example/proposals/1";
const measure = (hasUnit: unknown, hasNumericalValue: unknown) => ({ hasUnit, hasNumericalValue });

/** FEP-0837's own example of an Agreement, with a payment. */
const PRINTED = {
  type: "Agreement",
  stipulates: {
    type: "Commitment",
    satisfies: `${PROPOSAL}#primary`,
    resourceQuantity: measure("one", "1"),
  },
  stipulatesReciprocal: {
    type: "Commitment",
    satisfies: `${PROPOSAL}#reciprocal`,
    resourceQuantity: measure("one", "30.50"),
  },
};

describe("terms, as others write them", () => {
  test("FEP-0837's printed example is understood, with prefixes and spelled out as well", () => {
    const expected = {
      ...{ proposal: PROPOSAL, unit: "one", quantity: 1, due: null, provider: null, receiver: null },
      reciprocal: { unit: "one", amount: "30.5" },
    };
    expect(readTerms(PRINTED)).toEqual(expected);
    const vf = "https://w3id.org/valueflows/ont/vf#";
    const om2 = "http://www.ontology-of-units-of-measure.org/resource/om-2/";
    for (const [first, second] of [
      ["vf:", "om2:"],
      [vf, om2],
    ]) {
      const commitment = (part: typeof PRINTED.stipulates) => ({
        [`${first}satisfies`]: { id: part.satisfies },
        [`${first}resourceQuantity`]: {
          [`${second}hasUnit`]: part.resourceQuantity.hasUnit,
          [`${second}hasNumericalValue`]: part.resourceQuantity.hasNumericalValue,
        },
      });
      expect(
        readTerms({
          type: `${first}Agreement`,
          [`${first}stipulates`]: commitment(PRINTED.stipulates),
          [`${first}stipulatesReciprocal`]: commitment(PRINTED.stipulatesReciprocal),
        }),
      ).toEqual(expected);
    }
  });

  test("what is not as FEP-0837 has it is no terms, and nothing makes the reader throw", () => {
    const { stipulates } = PRINTED;
    const others: unknown[] = [
      { satisfies: PROPOSAL },
      { satisfies: `${PROPOSAL}#reciprocal` },
      { satisfies: [`${PROPOSAL}#primary`] },
      { resourceQuantity: "1" },
      { resourceQuantity: measure(null, "1") },
      { "vf:due": "tomorrow" },
      { "vf:due": 5 },
      { "vf:provider": ["x"] },
    ];
    for (const change of others)
      expect([
        change,
        readTerms({ type: "Agreement", stipulates: { ...stipulates, ...(change as object) } }),
      ]).toEqual([change, null]);
    for (const amount of ["0", "-1", "1e3", "01", "1.", ".5", "٣", null, [], "9".repeat(30)]) {
      const stipulatesReciprocal = {
        ...PRINTED.stipulatesReciprocal,
        resourceQuantity: measure("one", amount),
      };
      expect([amount, readTerms({ ...PRINTED, stipulatesReciprocal })]).toEqual([amount, null]);
    }
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom("stipulates", "satisfies", "resourceQuantity", "type") }),
        (json) => {
          readTerms(json);
          readOffer("https://x.example/1", json, json);
          readEvent(json, { party: "provider", speaks: true });
        },
      ),
    );
  });

  test("a day or roles that only one side names do not contradict the other", () => {
    const terms = readTerms(PRINTED)!;
    const due = new Date("2026-03-01T00:00:00Z");
    expect(sameTerms(terms, { ...terms, due, provider: "https://x.example/1" })).toBe(true);
    expect(sameTerms({ ...terms, due }, { ...terms, due: new Date(1) })).toBe(false);
    expect(sameTerms({ ...terms, provider: "a" }, { ...terms, provider: "b" })).toBe(false);
    expect(sameTerms(terms, { ...terms, reciprocal: null })).toBe(false);
    expect(sameTerms(terms, { ...terms, reciprocal: { unit: "one", amount: "31" } })).toBe(false);
  });
});

describe("a bundle of consents proves by itself what was agreed", () => {
  const problemsOf = (bundle: ConsentBundle) => checkBundle(JSON.stringify(bundle)).problems;

  /** The bundle with one consent's text replaced, its digests made right again: what a forger without a key would do. */
  function withBody(bundle: ConsentBundle, index: number, body: string, mend: boolean): ConsentBundle {
    const copy = structuredClone(bundle);
    const consent = copy.consents[index]!;
    consent.body = body;
    if (!mend) return copy;
    consent.sha256 = createHash("sha256").update(body).digest("hex");
    try {
      consent.digest = digestMultibase(JSON.parse(body) as Record<string, unknown>);
    } catch {
      // Not JSON any more.
    }
    return copy;
  }

  test("as it is", async () => {
    const { problems, agreed, consents } = checkBundle(JSON.stringify(await bundleOf()));
    expect(problems).toEqual([]);
    expect(agreed).toBe(true);
    expect(consents.map(({ message, terms }) => [message, terms?.quantity])).toEqual([
      ["offer", 5],
      ["counter", 3],
      ["accept", 3],
      ["deliver", undefined],
      ["confirm", undefined],
    ]);
    for (let length = 1; length < HISTORY.length; length++)
      expect(problemsOf(await bundleOf(HISTORY.slice(0, length)))).toEqual([]);
    for (const end of ["withdraw", "reject"] as const) {
      const party = end === "withdraw" ? "provider" : "receiver";
      expect(problemsOf(await bundleOf([...HISTORY.slice(0, 2), { type: end, party }]))).toEqual([]);
    }
    for (const party of ["provider", "receiver"] as const)
      expect(problemsOf(await bundleOf([...HISTORY.slice(0, 3), { type: "cancel", party }]))).toEqual([]);
  });

  test("no character of what was said can be another one, whether or not digests are made to fit", async () => {
    const bundle = await bundleOf();
    const replacement = fc.constantFrom(...'0123456789aZé🌱 \t\n"\\{}[]:,.-+/#');
    fc.assert(
      fc.property(
        fc.nat({ max: bundle.consents.length - 1 }),
        fc.nat(),
        replacement,
        fc.boolean(),
        (index, position, character, mend) => {
          const body = bundle.consents[index]!.body;
          const at = position % body.length;
          const changed = body.slice(0, at) + character + body.slice(at + 1);
          fc.pre(changed !== body);
          expect(problemsOf(withBody(bundle, index, changed, mend))).not.toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("nor of what the file says beside", async () => {
    const bundle = await bundleOf();
    const texts: [string, (copy: ConsentBundle, change: (text: string) => string) => void][] = [
      ["agreement", (copy, change) => (copy.agreement = change(copy.agreement))],
      ["provider", (copy, change) => (copy.parties.provider = change(copy.parties.provider))],
      ["receiver", (copy, change) => (copy.parties.receiver = change(copy.parties.receiver))],
    ];
    for (const [index] of bundle.consents.entries())
      for (const field of ["message", "party", "activity", "digest", "sha256", "proof"] as const)
        texts.push([
          `${index} ${field}`,
          (copy, change) => {
            const consent = copy.consents[index]! as unknown as Record<string, string>;
            consent[field] = change(consent[field]!);
          },
        ]);
    for (const [index] of bundle.keys.entries())
      for (const field of ["owner", "id", "publicKeyMultibase"] as const)
        texts.push([
          `key ${index} ${field}`,
          (copy, change) => (copy.keys[index]![field] = change(copy.keys[index]![field])),
        ]);
    for (const [name, apply] of texts) {
      let length = 0;
      apply(structuredClone(bundle), (text) => {
        length = text.length;
        return text;
      });
      for (let at = 0; at < length; at += 1 + Math.floor(length / 5)) {
        const copy = structuredClone(bundle);
        apply(copy, (text) => text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1));
        expect([name, at, problemsOf(copy).length > 0]).toEqual([name, at, true]);
      }
    }
  });

  test("what is left out, put in another order, taken from elsewhere, or swapped is noticed", async () => {
    const bundle = await bundleOf();
    const changed = (change: (copy: ConsentBundle) => void) => {
      const copy = structuredClone(bundle);
      change(copy);
      return problemsOf(copy);
    };
    const other = await bundleOf([{ type: "offer", party: "receiver", quantity: 9 }, ...HISTORY.slice(1)]);
    for (const problems of [
      changed((copy) => copy.consents.splice(1, 1)),
      changed((copy) => copy.consents.reverse()),
      changed((copy) => copy.consents.push(copy.consents[0]!)),
      changed((copy) => (copy.consents[0] = other.consents[0]!)),
      changed((copy) => (copy.keys = [])),
      changed(
        (copy) =>
          ([copy.keys[0]!.publicKeyMultibase, copy.keys[1]!.publicKeyMultibase] = [
            copy.keys[1]!.publicKeyMultibase,
            copy.keys[0]!.publicKeyMultibase,
          ]),
      ),
      changed(
        (copy) =>
          ([copy.parties.provider, copy.parties.receiver] = [copy.parties.receiver, copy.parties.provider]),
      ),
      changed((copy) => {
        for (const consent of copy.consents)
          consent.party = consent.party === "provider" ? "receiver" : "provider";
        copy.parties = { provider: copy.parties.receiver, receiver: copy.parties.provider };
      }),
    ])
      expect(problems).not.toEqual([]);
  });

  test("consents by another key, on other terms, for another Offer, of the wrong party: each is named", async () => {
    const [offer, counter, accept, deliver] = HISTORY;
    const elsewhere = { activity: "https://mena.example/activities/9", digest: "zQmNothing" };
    const histories = {
      "not signed with a key": [{ ...offer!, key: "https://other.example/actors/3" }],
      "another Offer": [offer!, { ...accept!, party: "provider" as const, change: { offer: elsewhere } }],
      "not this party's": [offer!, { ...accept!, party: "receiver" as const }],
      "does not answer": [offer!, offer!],
      "nothing had been agreed": [offer!, deliver!],
      "digest of another": [
        offer!,
        counter!,
        {
          ...accept!,
          change: { offer: { activity: "https://mena.example/activities/101", digest: "zQmNothing" } },
        },
      ],
    };
    for (const [problem, history] of Object.entries(histories))
      expect(problemsOf(await bundleOf(history)).join()).toContain(problem);
    const other: Said = { ...accept!, change: { agreement: agreementOn(4) } };
    expect(problemsOf(await bundleOf([offer!, counter!, other])).join()).toContain("other terms");
  });

  test("what came without a proof is said to be unproven", async () => {
    const bundle = await bundleOf();
    const [first] = bundle.consents;
    const { proof: _, ...said } = JSON.parse(first!.body) as Record<string, unknown>;
    const copy = withBody(bundle, 0, JSON.stringify(said), true);
    copy.consents[0]!.proof = "none";
    expect(problemsOf(copy).join()).toContain("it carries no proof");
  });

  test("what is no bundle is no bundle", () => {
    for (const text of ["", "null", "[]", "{}", '{"type":"AyniAgreementConsents"}', "\u0000"])
      expect(checkBundle(text)).toMatchObject({ bundle: null, problems: [expect.any(String)] });
  });
});

function agreementOn(quantity: number): Statement["agreement"] {
  return {
    ...{ iri: "https://mena.example/agreements/20", proposal: "https://mena.example/proposals/10" },
    ...{ purpose: "offer", revision: 1, proposer: "provider", offeredBy: "provider", unit: "hour" },
    ...{ scale: 2, reciprocal: null, quote: null, transfer: null },
    terms: { quantity, amount: null, due: null },
  };
}
