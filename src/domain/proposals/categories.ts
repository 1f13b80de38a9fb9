/** What organizations exchange; keys are permanent, labels are in the locales (`categories.<key>`). */
export const CATEGORIES = [
  "training",
  "advice",
  "communication",
  "translation",
  "design",
  "technology",
  "law",
  "accounting",
  "fundraising",
  "research",
  "logistics",
  "spaces",
  "equipment",
  "volunteers",
  "care",
  "culture",
] as const;

export type Category = (typeof CATEGORIES)[number];
