/** What a quantity costs, and what is left then, while it is typed. Amounts are minor units in `data-`. */
export function showSums(): void {
  for (const line of document.querySelectorAll<HTMLElement>("[data-sum]")) {
    const { sum, price, scale, symbol, available } = line.dataset;
    const input = line.closest("form")?.querySelector<HTMLInputElement>(`[name="${sum}"]`);
    const output = line.querySelector("output");
    if (!input || !output) continue;
    const text = (minor: bigint) => `${decimal(minor, Number(scale))} ${symbol}`;
    const show = () => {
      const quantity = /^\s*([0-9\u0660-\u0669\u06f0-\u06f9]{1,7})\s*$/.exec(input.value)?.[1];
      line.hidden = quantity === undefined;
      if (quantity === undefined) return;
      const ascii = quantity.replace(/[^0-9]/g, (digit) => String(digit.charCodeAt(0) & 0xf));
      const total = BigInt(ascii) * BigInt(price ?? 0);
      output.textContent = `${ascii} × ${text(BigInt(price ?? 0))} = ${text(total)}`;
      const rest = line.querySelector("[data-rest]");
      if (rest && available !== undefined) rest.textContent = text(BigInt(available) - total);
    };
    input.addEventListener("input", show);
    show();
  }
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
