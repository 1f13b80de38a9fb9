import { Hono } from "hono";
import { requireRole } from "../../domain/accounts/queries.ts";
import type { Acting } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { rateOf } from "../../domain/ledger/rules.ts";
import {
  acceptKey,
  acceptPeering,
  closePeer,
  drainPeer,
  freezePeer,
  proposePeering,
  rejectPeering,
  resumePeer,
  revisePeering,
  unfreezePeer,
} from "../../domain/peers/commands.ts";
import { readTerms } from "../../domain/peers/input.ts";
import {
  evidenceOf,
  ownFingerprint,
  peerList,
  peerOverview,
  proposedTerms,
  publicPeers,
} from "../../domain/peers/overview.ts";
import { actionsOf } from "../../domain/peers/rules.ts";
import { NewPeerPage, PeerActionPage } from "../../views/peers/peer-action-page.tsx";
import { PEER_ACTIONS, type PeerAction, PeerPage } from "../../views/peers/peer-page.tsx";
import { PeersAdminPage, PeersPage } from "../../views/peers/peers-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { idOf } from "./ledger.tsx";
import { render, submitAs, type Web } from "./page.tsx";

/** The hubs that this one exchanges with: for administrators what they decide about, for everybody the totals. */
export function peerRoutes(web: Web) {
  const { ctx } = web;

  /** @throws DomainError login_required, forbidden */
  async function admin(c: WebContext) {
    const viewer = requireViewer(c);
    await requireRole(ctx, viewer.accountId, "admin");
    return { ...web.page(c), viewer };
  }

  async function currency() {
    const hub = await localHub(ctx);
    return {
      name: hub.currencyName,
      symbol: hub.currencySymbol,
      scale: hub.currencyScale,
      rate: rateOf(hub),
    };
  }

  async function newPage(c: WebContext, form?: FormState) {
    const page = await admin(c);
    const origin = (c.req.query("origin") ?? "").slice(0, 300);
    return <NewPeerPage page={page} terms={await proposedTerms(ctx)} origin={origin} form={form} />;
  }

  async function actionPage(c: WebContext, action: PeerAction, form?: FormState) {
    const page = await admin(c);
    const [view, terms] = await Promise.all([peerOverview(ctx, idOf(c)), proposedTerms(ctx)]);
    const { peer, ours, theirs, fingerprint, newFingerprint } = view;
    const keys =
      action === "key" && peer.newKey !== null && newFingerprint !== null
        ? { value: peer.newKey, fingerprint: newFingerprint, accepted: fingerprint }
        : null;
    return (
      <PeerActionPage
        page={page}
        peer={peer}
        action={action}
        terms={ours ?? terms}
        theirs={theirs}
        keys={keys}
        form={form}
      />
    );
  }

  async function act(c: WebContext, action: PeerAction, acting: Acting, fields: Record<string, string>) {
    const id = idOf(c);
    const note = fields.note ?? "";
    const terms = async () => readTerms(fields, await proposedTerms(ctx));
    switch (action) {
      case "accept":
        return acceptPeering(ctx, acting, id, await terms());
      case "reject":
        return rejectPeering(ctx, acting, id, note);
      case "revise":
        return revisePeering(ctx, acting, id, await terms());
      case "drain":
        return drainPeer(ctx, acting, id, note);
      case "resume":
        return resumePeer(ctx, acting, id);
      case "freeze":
        return freezePeer(ctx, acting, id, note);
      case "unfreeze":
        return unfreezePeer(ctx, acting, id, note);
      case "close":
        return closePeer(ctx, acting, id);
      case "key":
        return acceptKey(ctx, acting, id, fields.key ?? "");
    }
  }

  return new Hono<Env>()
    .get("/peers", async (c) => render(c, <PeersPage page={web.page(c)} peers={await publicPeers(ctx)} />))
    .get("/admin/peers", async (c) => {
      const page = await admin(c);
      const [peers, own] = await Promise.all([peerList(ctx), currency()]);
      return render(c, <PeersAdminPage page={page} currency={own} peers={peers} />);
    })
    .get("/admin/peers/new", async (c) => render(c, await newPage(c)))
    .post("/admin/peers/new", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const terms = readTerms(fields, await proposedTerms(ctx));
          const id = await proposePeering(ctx, acting, { ...terms, origin: fields.origin ?? "" });
          return web.done(c, `/admin/peers/${id}`, "notices.peer_proposed");
        },
        (form) => newPage(c, form),
      ),
    )
    .get("/admin/peers/:id", async (c) => {
      const page = await admin(c);
      const [view, own, ownKey] = await Promise.all([
        peerOverview(ctx, idOf(c)),
        currency(),
        ownFingerprint(ctx),
      ]);
      return render(
        c,
        <PeerPage
          {...view}
          page={page}
          currency={own}
          actions={actionsOf(view.peer.state)}
          ownFingerprint={ownKey}
        />,
      );
    })
    .get("/admin/peers/:id/evidence.json", async (c) => {
      await admin(c);
      const id = idOf(c);
      return c.body(`${JSON.stringify(await evidenceOf(ctx, id), null, 2)}\n`, 200, {
        "content-type": "application/json",
        "content-disposition": `attachment; filename="evidence-${id}.json"`,
      });
    })
    .get("/admin/peers/:id/:action", async (c) => render(c, await actionPage(c, actionOf(c))))
    .post("/admin/peers/:id/:action", (c) => {
      const action = actionOf(c);
      return submitAs(
        web,
        c,
        async (acting, fields) => {
          await act(c, action, acting, fields);
          return web.done(c, `/admin/peers/${idOf(c)}`, "notices.peer_changed");
        },
        (form) => actionPage(c, action, form),
      );
    });
}

function actionOf(c: WebContext): PeerAction {
  const action = PEER_ACTIONS.find((known) => known === c.req.param("action"));
  if (action === undefined) throw new DomainError("not_found", "nothing is done at this address");
  return action;
}
