import { expect, test } from "vitest";
import { saveRemoteActor } from "../../src/domain/actors/commands.ts";
import { textOf } from "../support/html.ts";
import { account, startHub } from "../support/hub.ts";
import { loggedIn, visitor } from "../support/visitor.ts";

test("people are found by those of the hub, and by visitors who know the whole handle; nobody collects them", async () => {
  const hub = await startHub();
  await hub.organization("raices");
  await account(hub, "lucia");
  const remote = {
    ...{ host: "other.example", summary: "", url: null, avatar: null, outbox: null, followers: null },
    ...{ following: null, locked: false, published: null, sharedInbox: null, kind: "Organization" as const },
  };
  for (const handle of ["luciernaga", "lucero"])
    await saveRemoteActor(hub.ctx, {
      ...{ ...remote, handle, name: handle, discoverable: handle === "luciernaga" },
      ...{ iri: `https://other.example/${handle}`, inbox: `https://other.example/${handle}/inbox` },
    });
  const member = await loggedIn(hub);
  const stranger = visitor(hub);
  const seen = async (who: typeof stranger, words: string) => {
    const { body, status } = await who.get(`/search?q=${encodeURIComponent(words)}`);
    expect(status).toBe(200);
    const text = textOf(body);
    return ["@lucia", "@luciernaga@", "@lucero@", "@raices"].filter((handle) => text.includes(`${handle}`));
  };

  expect(await seen(stranger, "luc")).toEqual(["@luciernaga@"]);
  expect(await seen(stranger, "raic")).toEqual(["@raices"]);
  expect(await seen(stranger, "Lucia")).toEqual(["@lucia"]);
  expect(await seen(member, "luc")).toEqual(["@lucia", "@luciernaga@"]);
  expect(await seen(member, "lucero")).toEqual(["@lucero@"]);
});
