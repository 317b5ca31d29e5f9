// Draws avatars. stdin: one JSON line a picture {"collection", "seed", "options"}; OUT: their pixels, premultiplied RGBA, SIZE x SIZE, one after another.
// usage: node render_portraits.mjs OUT SIZE < orders.jsonl
import * as collections from '@dicebear/collection'
import { createAvatar } from '@dicebear/core'
import { Resvg } from '@resvg/resvg-js'
import fs from 'node:fs'
import readline from 'node:readline'

const [out, size] = [process.argv[2], Number(process.argv[3])]
const file = fs.openSync(out, 'w')
for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  const svg = createAvatar(collections[order.collection], { seed: order.seed, size, ...order.options }).toString()
  const drawn = new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render()
  if (drawn.width !== size || drawn.height !== size) throw Error(`${order.collection}: ${drawn.width}x${drawn.height}`)
  fs.writeSync(file, drawn.pixels)
}
fs.closeSync(file)
