import type { FollowState } from "../../db/schema/follows.ts";
import { DomainError } from "../errors.ts";

export interface FollowParty {
  local: boolean;
  /** manuallyApprovesFollowers */
  locked: boolean;
}

/**
 * The state of a new follow: an actor of ours decides at once (accepted, or pending where it approves by hand); whether a
 * remote one accepts is for its own server to say.
 */
export function newFollowState(followed: FollowParty): FollowState {
  return followed.local && !followed.locked ? "accepted" : "pending";
}

/** @throws DomainError follow_self */
export function checkFollow(followerId: bigint, followedId: bigint): void {
  if (followerId === followedId) throw new DomainError("follow_self", "nobody can follow themselves");
}
