// biome-ignore-all lint/performance/noBarrelFile: Drizzle wants all tables as one object
export * from "./accounts.ts";
export * from "./activities.ts";
export * from "./actors.ts";
export * from "./agreements.ts";
export * from "./follows.ts";
export * from "./hosts.ts";
export * from "./hubs.ts";
export * from "./ids.ts";
export * from "./jobs.ts";
export * from "./kv.ts";
export * from "./ledger.ts";
export * from "./media.ts";
export * from "./notices.ts";
export * from "./organizations.ts";
export * from "./posts.ts";
export * from "./proposals.ts";
