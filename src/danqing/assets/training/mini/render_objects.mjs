// Draws objects from the emoji sets. stdin: {"labels": {noun: emojibase label}}; OUT.rgba: premultiplied RGBA, SIZE x SIZE, one after another;
// OUT.jsonl: for each its noun, set and Chinese and Korean names, and for the 3d set the WebP file that Python reads itself (resvg reads no WebP).
// usage: node render_objects.mjs OUT SIZE < labels.json
import { Resvg } from '@resvg/resvg-js'
import fs from 'node:fs'
import path from 'node:path'

const [out, size] = [process.argv[2], Number(process.argv[3])]
const modules = path.resolve('node_modules')
const read = (name) => JSON.parse(fs.readFileSync(path.join(modules, name)))
const { labels } = JSON.parse(fs.readFileSync(0))

const emoji = new Map(read('emojibase-data/en/data.json').map((e) => [e.label.toLowerCase(), e]))
const names = {}
for (const language of ['zh', 'ko']) {
  names[language] = new Map(read(`emojibase-data/${language}/data.json`).map((e) => [e.hexcode, e.label]))
}
const vectorSets = { flat: 'fluent-emoji-flat', noto: 'noto', twemoji: 'twemoji' }
const vectors = {}
for (const [set, name] of Object.entries(vectorSets)) {
  vectors[set] = { icons: read(`@iconify-json/${name}/icons.json`), chars: read(`@iconify-json/${name}/chars.json`) }
}

const spellings = (hex) => [hex, hex.replace(/-fe0f/g, ''), `${hex}-fe0f`]

function drawVector(set, hex) {
  const { icons, chars } = vectors[set]
  let name = spellings(hex).map((h) => chars[h]).find(Boolean)
  name = icons.aliases?.[name]?.parent ?? name
  const icon = icons.icons[name]
  if (!icon) return null
  const [w, h] = [icon.width ?? icons.width ?? 16, icon.height ?? icons.height ?? 16]
  const head = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
  const svg = `<svg ${head} viewBox="0 0 ${w} ${h}" width="${size}" height="${size}">${icon.body}</svg>`
  return new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render().pixels
}

const file = fs.openSync(`${out}.rgba`, 'w')
const lines = []
for (const [noun, label] of Object.entries(labels)) {
  const e = emoji.get(label.toLowerCase())
  if (!e) throw Error(`emojibase has no '${label}'`)
  const hex = e.hexcode.toLowerCase()
  const about = { noun, zh: names.zh.get(e.hexcode), ko: names.ko.get(e.hexcode) }
  for (const set of Object.keys(vectorSets)) {
    const pixels = drawVector(set, hex)
    if (!pixels) continue
    fs.writeSync(file, pixels)
    lines.push(JSON.stringify({ ...about, set }))
  }
  const solid = spellings(hex).map((h) => path.join(modules, '@lobehub/fluent-emoji-3d/assets', `${h}.webp`)).find(fs.existsSync)
  if (solid) {
    fs.writeSync(file, Buffer.alloc(size * size * 4))
    lines.push(JSON.stringify({ ...about, set: '3d', webp: solid }))
  }
}
fs.closeSync(file)
fs.writeFileSync(`${out}.jsonl`, lines.join('\n') + '\n')
