// Solves a challenge of the guard in a page: docs/bot-guard.md. Run it in a Worker, so that the page stays responsive.
//
// It computes SHA-256 itself: each call of WebCrypto goes to another thread and back, which takes far longer than a
// hash of two blocks.

const fraction = root => (root - Math.floor(root)) * 4294967296 >>> 0;
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every(prime => n % prime !== 0)) primes.push(n);
const constants = Uint32Array.from(primes, prime => fraction(Math.cbrt(prime)));
const start = Uint32Array.from(primes.slice(0, 8), prime => fraction(Math.sqrt(prime)));

const words = new Uint32Array(64);
const state = new Uint32Array(8);

// The hash of the first bytes, in `state`. The buffer has room for the padding.
function hash(bytes, length) {
  const end = (length + 72) >> 6 << 6;
  bytes.fill(0, length, end);
  bytes[length] = 0x80;
  bytes[end - 2] = length * 8 >> 8;
  bytes[end - 1] = length * 8;
  state.set(start);
  for (let block = 0; block < end; block += 64) {
    for (let i = 0, at = block; i < 16; i++, at += 4) {
      words[i] = bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15], y = words[i - 2];
      words[i] = words[i - 16] + words[i - 7]
        + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
        + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
    }
    let a = state[0] | 0, b = state[1] | 0, c = state[2] | 0, d = state[3] | 0;
    let e = state[4] | 0, f = state[5] | 0, g = state[6] | 0, h = state[7] | 0;
    for (let i = 0; i < 64; i++) {
      const one = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7))
        + (e & f ^ ~e & g) + constants[i] + words[i] | 0;
      const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
}

/** The value for X-Proof-Of-Work; undefined when no number solves the challenge. */
export function solve({ algorithm, challenge, maxnumber, salt, signature }) {
  const text = new TextEncoder();
  const prefix = text.encode(salt);
  const bytes = new Uint8Array(prefix.length + 128);
  bytes.set(prefix);
  const wanted = Uint32Array.from(challenge.match(/.{8}/g), word => parseInt(word, 16));
  for (let number = 0; number <= maxnumber; number++) {
    const digits = text.encodeInto(String(number), bytes.subarray(prefix.length)).written;
    hash(bytes, prefix.length + digits);
    if (state[0] === wanted[0] && state.every((word, i) => word === wanted[i])) {
      return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
    }
  }
}
