/** Shows small what was chosen for upload, and says at once what would be refused. */
export function showPreviews(): void {
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input instanceof HTMLInputElement && input.type === "file" && input.dataset.preview !== undefined)
      void preview(input);
  });
}

const SIDE = 96;

async function preview(input: HTMLInputElement): Promise<void> {
  const max = Number(input.dataset.max);
  const files = [...(input.files ?? [])];
  input.setCustomValidity(files.some((file) => file.size > max) ? (input.dataset.tooLarge ?? "") : "");
  input.reportValidity();
  const shown = document.getElementById(`${input.id}-preview`);
  if (shown === null) return;
  const pictures = await Promise.all(files.filter(({ type }) => type.startsWith("image/")).map(picture));
  shown.replaceChildren(...pictures.filter((one) => one !== null));
}

/** Drawn, since pages may load no images but the hub's own. */
async function picture(file: File): Promise<HTMLCanvasElement | null> {
  const image = await createImageBitmap(file).catch(() => null);
  if (image === null) return null;
  const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return canvas;
}
