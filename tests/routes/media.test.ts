import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { accounts } from "../../src/db/schema/accounts.ts";
import { AGREEMENT_STATES, agreementMessages, agreements } from "../../src/db/schema/agreements.ts";
import { memberships } from "../../src/db/schema/organizations.ts";
import type { Acting } from "../../src/domain/context.ts";
import { saveDocument, saveImage } from "../../src/domain/media/commands.ts";
import { mediaById } from "../../src/domain/media/queries.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { settledAgreement } from "../support/agreements.ts";
import { jpeg, PDF } from "../support/files.ts";
import { account, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, type Reply, type Visitor, visitor } from "../support/visitor.ts";

const file = (bytes: Uint8Array, name: string) => ({ field: "file", name, bytes });

/** Should a browser open it as a page, nothing in it runs, and it belongs to no site. */
function expectInert({ headers }: Reply): void {
  expect(headers["content-security-policy"]).toBe("default-src 'none'; sandbox");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(headers["content-type"]).not.toMatch(/html|svg|xml|json|script/);
}

test("an open image is for everybody, for ever, and says what it is", async () => {
  const hub = await startHub();
  const id = await saveImage(hub.ctx, hub.admin, file(await jpeg(), "Plaza.jpg"), { open: true });
  const { bytes } = await mediaById(hub.ctx, id);
  for (const [path, length] of [
    [`/media/${id}`, bytes],
    [`/media/${id}/thumbnail`, null],
  ] as const) {
    const reply = await visitor(hub).get(path);
    expect(reply.status).toBe(200);
    expectInert(reply);
    expect(reply.headers).toMatchObject({
      "content-type": "image/webp",
      "cache-control": "public, max-age=31536000, immutable",
      "cross-origin-resource-policy": "cross-origin",
      "content-disposition": "inline; filename*=UTF-8''Plaza.webp",
      "content-length": String(reply.bytes.length),
    });
    expect(reply.headers["set-cookie"]).toBeUndefined();
    expect(reply.headers["content-encoding"]).toBeUndefined();
    expect(reply.bytes.toString("latin1", 8, 12)).toBe("WEBP");
    if (length !== null) expect(reply.bytes.length).toBe(length);
    const head = await visitor(hub).send("HEAD", path);
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(head.headers["content-length"]).toBe(reply.headers["content-length"]);
    const again = await visitor(hub).get(path, { "if-none-match": reply.headers.etag ?? "" });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
  }
});

test("a document is taken home, whatever it is called and whatever is asked for", async () => {
  const hub = await startHub();
  const name = "Convenio ñ 'x' (1)\r\nset-cookie: a=b.html";
  const polyglot = Buffer.concat([PDF, Buffer.from("<script>alert(1)</script>")]);
  const id = await saveDocument(hub.ctx, hub.admin, file(polyglot, name), { open: true });
  for (const accept of ["text/html", "application/activity+json", "*/*"]) {
    const reply = await visitor(hub).get(`/media/${id}`, { accept });
    expect(reply.status).toBe(200);
    expectInert(reply);
    expect(reply.headers["content-type"]).toBe("application/pdf");
    expect(reply.headers["content-disposition"]).toMatch(/^attachment; filename\*=UTF-8''[\w%.-]+\.pdf$/);
    expect(reply.headers["set-cookie"]).toBeUndefined();
    expect(reply.bytes).toEqual(polyglot);
  }
  expect((await visitor(hub).get(`/media/${id}/thumbnail`)).status).toBe(404);
});

/** A document on an agreement between two organizations, and everybody who may or may not read it. */
async function between(
  hub: TestHub,
): Promise<{ agreementId: Id; mediaId: Id; readers: Record<string, Visitor> }> {
  const people: Record<string, Acting> = {};
  for (const handle of ["berta", "carla", "dina", "elsa", "flor"])
    people[handle] = await account(hub, handle);
  const { berta, carla, dina, elsa, flor } = people as Record<
    "berta" | "carla" | "dina" | "elsa" | "flor",
    Acting
  >;
  const organization = (by: Acting, handle: string) =>
    createOrganization(hub.ctx, by.accountId, { handle, name: handle });
  const provider = await organization(berta, "raices");
  const receiver = await organization(carla, "semilla");
  await organization(dina, "otra");
  await hub.ctx.db.insert(memberships).values({
    organizationId: receiver,
    accountId: elsa.accountId,
    role: "editor",
    created: new Date(),
  });
  await hub.ctx.db.update(accounts).set({ role: "curator" }).where(eq(accounts.id, flor.accountId));
  const agreementId = await settledAgreement(hub.ctx, { provider, receiver, settledAt: new Date() });
  const acting = { accountId: berta.accountId, actorId: provider };
  const mediaId = await saveDocument(hub.ctx, acting, file(PDF, "Convenio.pdf"), { open: false });
  await hub.ctx.db.insert(agreementMessages).values({
    id: await hub.ctx.ids.next(),
    agreementId,
    authorId: provider,
    accountId: berta.accountId,
    content: "",
    mediaId,
    created: new Date(),
  });
  const readers: Record<string, Visitor> = { "a visitor": visitor(hub) };
  for (const handle of [...Object.keys(people), "ana"]) readers[handle] = await loggedIn(hub, handle);
  return { agreementId, mediaId, readers };
}

test("what belongs to an agreement is read by its parties, and in a dispute by the stewards", async () => {
  const hub = await startHub();
  const { agreementId, mediaId, readers } = await between(hub);
  const missing = await visitor(hub).get("/media/1");
  for (const state of AGREEMENT_STATES) {
    await hub.ctx.db.update(agreements).set({ state }).where(eq(agreements.id, agreementId));
    const allowed = ["berta", "carla", "elsa", ...(state === "disputed" ? ["flor", "ana"] : [])];
    for (const [who, reader] of Object.entries(readers)) {
      const reply = await reader.get(`/media/${mediaId}`);
      expect(reply.status, `${who}, ${state}`).toBe(allowed.includes(who) ? 200 : 404);
      if (reply.status === 200) {
        expectInert(reply);
        expect(reply.headers["cache-control"]).toBe("private, no-store");
        expect(reply.headers["cross-origin-resource-policy"]).toBe("same-origin");
      } else {
        expect([reply.body, reply.headers["content-type"]]).toEqual([
          missing.body,
          missing.headers["content-type"],
        ]);
      }
    }
  }
  await readers.carla?.submit("/logout", {});
  expect((await readers.carla?.get(`/media/${mediaId}`))?.status).toBe(404);
});

test("what belongs to nothing yet is its uploader's alone", async () => {
  const hub = await startHub();
  await account(hub, "berta");
  const id = await saveImage(hub.ctx, hub.admin, file(await jpeg(), "x.jpg"), { open: false });
  for (const path of [`/media/${id}`, `/media/${id}/thumbnail`]) {
    expect((await (await loggedIn(hub)).get(path)).status).toBe(200);
    expect((await (await loggedIn(hub, "berta")).get(path)).status).toBe(404);
    expect((await visitor(hub).get(path)).status).toBe(404);
  }
});
