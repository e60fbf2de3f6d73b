// How fast one thread solves the guard's challenges in JavaScript: node tests/load/hashes.mjs
import { createHash } from "node:crypto";
import { solve } from "../../docs/solve.mjs";

// A salt has this form and length.
const salt = "0123456789abcdef01234567?expires=1789000120&for=0123456789abcdef01234567&units=2&";
// Many short rounds: other work on the machine disturbs the fastest ones least.
const rounds = 200, roundMs = 25;
const hashOf = number => createHash("sha256").update(salt + number).digest("hex");

for (const number of [0, 9, 10, 12_345]) {
  const solution = solve({ algorithm: "SHA-256", challenge: hashOf(number), maxnumber: 20_000, salt, signature: "" });
  if (JSON.parse(atob(solution)).number !== number) throw new Error(`docs/solve.mjs doesn't find ${number}`);
}

// One hash after the other in another thread of the browser, as ALTCHA's widget computes them.
async function withWebCrypto(numbers) {
  const text = new TextEncoder();
  for (let i = 0; i < numbers; i++) await crypto.subtle.digest("SHA-256", text.encode(salt + i));
}

// No number solves it.
const withoutSolution = { algorithm: "SHA-256", challenge: "0".repeat(64), salt, signature: "" };

async function measure(name, numbers, act) {
  const rates = [];
  for (let i = 0; i < rounds; i++) {
    const began = performance.now();
    let done = 0;
    for (; performance.now() - began < roundMs; done += numbers) await act(numbers);
    rates.push(done / (performance.now() - began) * 1000);
  }
  rates.sort((a, b) => a - b);
  const [median, best] = [rates[rounds >> 1], rates[rounds - 1]].map(rate => Math.round(rate).toLocaleString("en"));
  console.log(`${name}: ${best} hashes a second in the fastest of ${rounds} rounds, ${median} in the median`);
}

await measure("docs/solve.mjs", 1000, numbers => solve({ ...withoutSolution, maxnumber: numbers - 1 }));
await measure("WebCrypto", 20, withWebCrypto);
await measure("node:crypto", 100, numbers => { for (let i = 0; i < numbers; i++) hashOf(i); });
