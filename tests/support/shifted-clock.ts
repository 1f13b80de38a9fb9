/** Loaded into a process with `node --import`: its clock is off by so many milliseconds from its first moment on. */
const shift = Number(process.env.CLOCK_SHIFT ?? 0);

globalThis.Date = new Proxy(Date, {
  construct: (real, args) =>
    args.length === 0 ? new real(real.now() + shift) : Reflect.construct(real, args),
  get: (real, key) => (key === "now" ? () => real.now() + shift : Reflect.get(real, key)),
});
