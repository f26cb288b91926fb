/** Files for visitors who have none at hand: made in the browser, uploaded like any other. */

const HUES = [28, 95, 155, 215, 265, 340];
const WIDTH = 1600;
const HEIGHT = 1200;

/** @param {number} number @returns {Promise<File>} a woven pattern as a JPEG */
async function picture(number) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const paint = canvas.getContext("2d");
  if (!paint) throw new Error("This browser cannot paint.");
  const hue = HUES[number % HUES.length] ?? 0;
  paint.fillStyle = `oklch(0.9 0.03 ${hue})`;
  paint.fillRect(0, 0, WIDTH, HEIGHT);
  for (let x = 0; x < WIDTH; x += 40) {
    for (let y = 0; y < HEIGHT; y += 40) {
      const isOver = (Math.floor(x / 40) + Math.floor(y / 40) * (1 + (number % 3))) % 4 < 2;
      paint.fillStyle = `oklch(${isOver ? 0.45 + (0.3 * y) / HEIGHT : 0.8} 0.09 ${hue + (60 * x) / WIDTH})`;
      paint.fillRect(x + 2, y + (isOver ? 0 : 12), 36, isOver ? 40 : 16);
    }
  }
  /** @type {Blob|null} */
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
  return new File([blob ?? ""], `weave-${number + 1}.jpg`, { lastModified: 1 });
}

function table() {
  const lines = ["sku,name,price,stock"];
  for (let n = 1; n <= 4000; n += 1) lines.push(`wool-${n},"Wool throw, no. ${n}",${(20 + (n % 90)).toFixed(2)},${n % 40}`);
  lines[12] = "wool-12,,24.00,3";
  lines[340] = "wool-340,Linen runner,about ten,5";
  lines[1207] = "wool-7,Twice the same,19.00,1";
  lines[2600] = "wool-2600,Too many decimals,12.999,many";
  return new File([lines.join("\n")], "price-list.csv", { lastModified: 1 });
}

/** @param {string} name pictures, table or broken @returns {Promise<File[]>} */
export async function sample(name) {
  if (name === "table") return [table()];
  if (name === "pictures") return Promise.all(HUES.map((_, number) => picture(number)));
  const whole = await picture(4);
  return [new File([whole.slice(0, whole.size / 3)], "cut-off.jpg", { lastModified: 1 })];
}
