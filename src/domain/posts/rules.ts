export { VISIBILITIES } from "../../db/schema/posts.ts";

/** Characters of a post. */
export const POST_MAX = 5000;
/** Characters of its content warning. */
export const SUMMARY_MAX = 200;
