/** What a quantity costs, and what is left then, while it is typed. Amounts are minor units in `data-`. */
export function showSums(): void {
  for (const line of document.querySelectorAll<HTMLElement>("[data-both]")) showBoth(line);
  for (const line of document.querySelectorAll<HTMLElement>("[data-sum]")) {
    const { sum, price, scale, symbol, available } = line.dataset;
    const input = line.closest("form")?.querySelector<HTMLInputElement>(`[name="${sum}"]`);
    const output = line.querySelector("output");
    if (!input || !output) continue;
    const text = (minor: bigint) => inUnit(minor, `${scale} ${symbol}`);
    const show = () => {
      const ascii = quantityOf(input.value);
      line.hidden = ascii === null;
      if (ascii === null) return;
      const total = BigInt(ascii) * BigInt(price ?? 0);
      output.textContent = `${ascii} × ${text(BigInt(price ?? 0))} = ${text(total)}`;
      const rest = line.querySelector("[data-rest]");
      if (rest && available !== undefined) rest.textContent = text(BigInt(available) - total);
    };
    input.addEventListener("input", show);
    show();
  }
}

/** What both sides of an exchange between two hubs pay and get for it; rounded as the hubs do (`domain/ledger/rules.ts`). */
function showBoth(line: HTMLElement): void {
  const {
    both,
    price,
    priced,
    payerRate,
    payeeRate,
    payerUnit = "",
    payeeUnit = "",
    text = "",
  } = line.dataset;
  const input = line.closest("form")?.querySelector<HTMLInputElement>(`[name="${both}"]`);
  const output = line.querySelector("output");
  if (!input || !output) return;
  const [payerN, payerD] = fraction(payerRate);
  const [payeeN, payeeD] = fraction(payeeRate);
  const ceil = (n: bigint, d: bigint) => (n + d - 1n) / d;
  const show = () => {
    const quantity = quantityOf(input.value);
    line.hidden = quantity === null;
    const least = line.closest(".cost")?.querySelector<HTMLElement>("[data-least]");
    if (least) least.hidden = quantity !== null;
    if (quantity === null) return;
    const cost = BigInt(quantity) * BigInt(price ?? 0);
    const seconds =
      priced === "payee" ? ceil(cost * 3600n * payeeD, payeeN) : (cost * 3600n * payerD) / payerN;
    const pays = priced === "payee" ? ceil(seconds * payerN, 3600n * payerD) : cost;
    const gets = priced === "payee" ? cost : (seconds * payeeN) / (3600n * payeeD);
    output.textContent = text.replace("%1", inUnit(pays, payerUnit)).replace("%2", inUnit(gets, payeeUnit));
  };
  input.addEventListener("input", show);
  show();
}

/** Digits of any script as ASCII; null: no whole number. */
function quantityOf(typed: string): string | null {
  const quantity = /^\s*([0-9\u0660-\u0669\u06f0-\u06f9]{1,7})\s*$/.exec(typed)?.[1];
  return quantity?.replace(/[^0-9]/g, (digit) => String(digit.charCodeAt(0) & 0xf)) ?? null;
}

function fraction(text = "1/1"): [bigint, bigint] {
  const [n = "1", d = "1"] = text.split("/");
  return [BigInt(n), BigInt(d)];
}

/** @param unit decimal places and symbol: `2 ₳` */
function inUnit(minor: bigint, unit: string): string {
  const space = unit.indexOf(" ");
  const text = `${decimal(minor, Number(unit.slice(0, space)))}\u00a0${unit.slice(space + 1)}`;
  // As the hub writes them: an amount in another script's unit keeps to itself.
  return /[\u0590-\u08ff]/.test(unit) ? `${document.dir === "rtl" ? "\u2068" : "\u2066"}${text}\u2069` : text;
}

function decimal(minor: bigint, scale: number): string {
  const unit = 10n ** BigInt(scale);
  const absolute = minor < 0n ? -minor : minor;
  const fraction = (absolute % unit).toString().padStart(scale, "0").replace(/0+$/, "");
  const { lang } = document.documentElement;
  const format = new Intl.NumberFormat(lang === "ar" ? "ar-u-nu-latn" : lang);
  const point = format.formatToParts(0.5).find(({ type }) => type === "decimal")?.value ?? ".";
  const digits = scale === 0 || fraction === "" ? "" : point + fraction;
  return `${minor < 0n ? "-" : ""}${format.format(absolute / unit)}${digits}`;
}
