/** Moments in the reader's own time zone, which the server does not know. */
export function localTimes(): void {
  const format = new Intl.DateTimeFormat(language(), {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  });
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-moment]")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}

/** The page's language; Arabic with the digits the server writes (locales/index.ts). */
function language(): string {
  const { lang } = document.documentElement;
  return lang === "ar" ? "ar-u-nu-latn" : lang;
}
