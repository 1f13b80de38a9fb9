/**
 * What the rules speak of, as JSON text that loses nothing: whole numbers of any size and instants are marked as such. It is read by
 * nobody but this hub.
 */
export function pack(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, given) {
    // A date has been made a text before it comes here as `given`.
    const raw = this[key];
    if (raw instanceof Date) return { $time: raw.toISOString() };
    return typeof given === "bigint" ? { $int: given.toString() } : given;
  });
}

export function unpack<T>(text: string): T {
  return JSON.parse(text, (_, value) => {
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$int === "string") return BigInt(value.$int);
    return typeof value.$time === "string" ? new Date(value.$time) : value;
  });
}
