// Derives JSON Schemas of the API's answers from the TypeScript types of Elastic Path's own library.
//
//   node schemas.mjs <file to write>
//
// The file holds `{ types: { "POST /v2/carts/{}/payments 201": { $ref } }, $defs }`: what each
// operation of the library answers with each status. Objects are closed: a field that the library
// does not know is an error.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const target = process.argv[2];
assert.ok(target, 'usage: node schemas.mjs <file to write>');
const here = dirname(fileURLToPath(import.meta.url));
const library = join(here, '..', 'node_modules', '@epcc-sdk', 'sdks-shopper');
const { version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
const file = join(library, 'dist', 'client', 'types.gen.d.ts');

const program = ts.createProgram([file], { strict: true, skipLibCheck: true, types: [] });
const checker = program.getTypeChecker();
const { TypeFlags, SymbolFlags } = ts;

// --- From a type to a schema ---------------------------------------------------------------

const $defs = {};

function schemaOf(type) {
  const name = type.aliasSymbol?.name;
  if (name === undefined || type.aliasTypeArguments) return inlineSchema(type);
  if (!(name in $defs)) {
    // Set before it is filled: a type may contain itself.
    $defs[name] = {};
    Object.assign($defs[name], inlineSchema(type));
  }
  return { $ref: `#/$defs/${name}` };
}

function inlineSchema(type) {
  const { flags } = type;
  if (flags & (TypeFlags.Any | TypeFlags.Unknown)) return {};
  if (flags & TypeFlags.Never) return { not: {} };
  if (flags & (TypeFlags.Null | TypeFlags.Void | TypeFlags.Undefined)) return { type: 'null' };
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (flags & TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' };
  if (flags & TypeFlags.StringLike) return { type: 'string' };
  if (flags & TypeFlags.NumberLike) return { type: 'number' };
  if (flags & TypeFlags.NonPrimitive) return { type: 'object' };
  if (type.isUnion()) {
    const there = type.types.filter((part) => !(part.flags & TypeFlags.Undefined));
    return there.length === 1 ? schemaOf(there[0]) : { anyOf: there.map(schemaOf) };
  }
  if (checker.isArrayType(type)) {
    return { type: 'array', items: schemaOf(checker.getTypeArguments(type)[0]) };
  }
  if (type.symbol?.name === 'Date') return { type: 'string' };
  if (type.symbol?.name === 'BigInt') return { type: 'integer' };
  return objectSchema(type);
}

function objectSchema(type) {
  const properties = {};
  const required = [];
  for (const property of checker.getPropertiesOfType(type)) {
    properties[property.name] = schemaOf(checker.getTypeOfSymbol(property));
    if (!(property.flags & SymbolFlags.Optional)) required.push(property.name);
  }
  const others = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  // A type that names nothing says no more than that it is an object.
  const isOpen = Object.keys(properties).length === 0;
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: others ? schemaOf(others) : isOpen,
  };
}

// --- What each operation answers -------------------------------------------------------------

const code = readFileSync(join(library, 'dist', 'client', 'sdk.gen.mjs'), 'utf8');
const operations = code.matchAll(
  /^const (\w+) = \(options\) => \{\s+return \(options\??\.client \?\? client\)\.(get|post|put|delete)\(\{(.*?)^\};/gms,
);
const exported = new Map(
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
    .map((symbol) => [symbol.name, symbol]),
);

schemaOf(checker.getDeclaredTypeOfSymbol(exported.get('CartItemCollectionResponse')));

const types = {};
for (const [, name, method, body] of operations) {
  const [, url] = /url: "([^"]+)"/.exec(body);
  const answers = exported.get(`${name[0].toUpperCase()}${name.slice(1)}Responses`);
  if (answers === undefined) continue;
  const path = url.replaceAll(/\{[^}]*\}/g, '{}');
  const type = checker.getDeclaredTypeOfSymbol(answers);
  for (const status of checker.getPropertiesOfType(type)) {
    types[`${method.toUpperCase()} ${path} ${status.name}`] = schemaOf(checker.getTypeOfSymbol(status));
  }
}

// --- Where the types are wrong ----------------------------------------------------------------

// Items in answers are described by the types of requests, so that fields are demanded with which
// nothing is answered, and their collections by several types of which this one is whole.
const items = { $ref: '#/$defs/CartItemCollectionResponse' };
for (const operation of Object.keys(types).filter((key) => /\/items(\/\{\})? 20[01]$/.test(key))) {
  if (operation.includes('/v2/carts/{}/items')) types[operation] = items;
}
$defs.CartIncluded.properties.items.items = { $ref: '#/$defs/CartItemResponse' };
// An attribute may be a text or true, as the type says beside it.
$defs.CustomAttributes.additionalProperties.properties.value = {};

// A library that changed its layout must not go by as one without types.
for (const expected of [
  'GET /v2/carts/{} 200',
  'POST /v2/carts/{}/payments 201',
  'POST /v2/carts/{}/checkout 201',
  'POST /v2/orders/{}/confirm 200',
]) {
  assert.ok(expected in types, `${expected} is missing`);
}

const text = JSON.stringify({ $comment: `Types of npm @epcc-sdk/sdks-shopper ${version}`, types, $defs });
mkdirSync(dirname(target), { recursive: true });
// Written aside first: a reader meanwhile sees the old file or the new one.
writeFileSync(`${target}.new`, text);
renameSync(`${target}.new`, target);
console.log(`${Object.keys(types).length} answers, ${Object.keys($defs).length} definitions, ${text.length} bytes`);
