// Derives JSON Schemas from the TypeScript types of Stripe's own Node library.
//
//   node schemas.mjs <file to write>
//
// The file holds `{ types: { name: { $ref } }, $defs }`. Names are those that the API uses: the
// value of an object's `object` (`payment_intent`, `radar.early_fraud_warning`,
// `v2.core.event_destination`), `deleted_<object>`, `event_<type>` with underscores for dots, the
// same with `v2.core.event_` for thin events, and parameters as
// `<object>_<create|update|…>_params`.
//
// Objects are closed and so are enumerations, also those that Stripe may extend: nobody else
// than Stripe may. An object of the API inside another is described by the value of its `object`
// alone: whoever walks into it validates it by its own name. Otherwise nearly every type would
// reach nearly every other.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const target = process.argv[2];
assert.ok(target, 'usage: node schemas.mjs <file to write>');
const library = join(dirname(fileURLToPath(import.meta.url)), 'node_modules', 'stripe');
const { version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
const RESOURCES = join(library, 'esm', 'resources');

// Modules whose objects and parameters somebody may ask for.
const MODULES = [
  'Accounts',
  'BalanceTransactions',
  'Balance',
  'Cards',
  'Charges',
  'ConfirmationTokens',
  'Customers',
  'Disputes',
  'Events',
  'Mandates',
  'PaymentIntents',
  'PaymentMethods',
  'Radar/EarlyFraudWarnings',
  'Refunds',
  'Reviews',
  'SetupIntents',
  'TestHelpers/ConfirmationTokens',
  'TestHelpers/Refunds',
  'Tokens',
  'V2/Core/EventDestinations',
  'V2/Core/Events',
  'WebhookEndpoints',
];

const FOLDERS = new Set(MODULES.flatMap((name) => name.split('/').slice(0, -1)));

const files = MODULES.map((name) => join(RESOURCES, `${name}.d.ts`));
const LIB = join(library, 'esm', 'lib.d.ts');
const program = ts.createProgram([...files, LIB], {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: [],
});
const checker = program.getTypeChecker();
const { TypeFlags, SymbolFlags, ObjectFlags } = ts;

const snake = (name) =>
  name.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase();

// --- From a type to a schema ---------------------------------------------------------------

const $defs = {};
const owners = new Map();

// `…/resources/Radar/ValueLists".ValueList.ItemType` is `Radar.ValueList.ItemType`.
function keyOf(symbol) {
  const [, file, name] = /^"(.*)"\.(.*)$/.exec(checker.getFullyQualifiedName(symbol));
  const folders = file.split('/esm/').pop().replace(/^resources\//, '').split('/').slice(0, -1);
  const prefix = folders.map((folder) => `${folder}.`).join('');
  const key = name.startsWith(prefix) ? name : prefix + name;
  assert.equal(owners.get(key) ?? symbol, symbol, `two types are called ${key}`);
  owners.set(key, symbol);
  return key;
}

function propertyType(type, name) {
  const property = type.getProperty(name);
  return property && checker.getTypeOfSymbol(property);
}

/** The value of `object` if values of this type are objects of the API, with an id or not. */
function apiObject(type) {
  const literal = propertyType(type, 'object');
  return literal?.isStringLiteral() ? literal.value : undefined;
}

const isNamed = (type) =>
  type.symbol !== undefined && (type.symbol.flags & (SymbolFlags.Interface | SymbolFlags.Class)) !== 0;

const typeArguments = (type) =>
  type.objectFlags & ObjectFlags.Reference ? checker.getTypeArguments(type) : [];

function define(type) {
  const key = keyOf(type.symbol);
  if (!(key in $defs)) {
    // Set before it is filled: a type may contain itself.
    $defs[key] = {};
    Object.assign($defs[key], objectSchema(type));
  }
  return { $ref: `#/$defs/${key}` };
}

function schemaOf(type) {
  const { flags } = type;
  if (flags & (TypeFlags.Any | TypeFlags.Unknown)) return {};
  if (flags & TypeFlags.Null) return { type: 'null' };
  if (type.isStringLiteral()) return { const: type.value };
  if (type.isNumberLiteral()) return { const: type.value };
  if (flags & TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' };
  if (flags & TypeFlags.StringLike) return { type: 'string' };
  if (flags & TypeFlags.NumberLike) return { type: 'number' };
  if (flags & TypeFlags.BooleanLike) return { type: 'boolean' };
  if (type.isUnion()) return unionSchema(type.types);
  // `string & {}` and the like: how the library says "or another string, later".
  if (type.isIntersection()) {
    const open = type.types.some((part) => part.flags & TypeFlags.StringLike);
    return open ? { type: 'string' } : objectSchema(type);
  }
  if (checker.isArrayType(type)) return { type: 'array', items: schemaOf(typeArguments(type)[0]) };
  const name = type.symbol?.name;
  if (name === 'Decimal' || name === 'Date') return { type: 'string' };
  const literal = apiObject(type);
  // Lists have no type of their own: what they hold depends on where they are.
  if (literal !== undefined && literal !== 'list' && literal !== 'search_result') {
    return reference(literal);
  }
  return isNamed(type) && typeArguments(type).length === 0 ? define(type) : objectSchema(type);
}

const reference = (literal) => ({
  type: 'object',
  required: ['object'],
  properties: { object: { const: literal } },
});

function unionSchema(parts) {
  const there = parts.filter((part) => !(part.flags & TypeFlags.Undefined));
  const texts = there.filter((part) => part.isStringLiteral()).map((part) => part.value);
  const isOpenString = (part) => part.isIntersection();
  const choices = there
    .filter((part) => !part.isStringLiteral() && !(texts.length > 0 && isOpenString(part)))
    .map(schemaOf);
  if (texts.length > 0) choices.unshift({ enum: texts });
  const different = [...new Map(choices.map((one) => [JSON.stringify(one), one])).values()];
  return different.length === 1 ? different[0] : { anyOf: different };
}

function objectSchema(type) {
  const properties = {};
  const required = [];
  for (const property of checker.getPropertiesOfType(type)) {
    const inner = checker.getTypeOfSymbol(property);
    // What the library adds to an answer: methods, and the answer's headers.
    const isMethod = inner.getCallSignatures().length > 0;
    if (isMethod || property.name === 'lastResponse') continue;
    properties[property.name] = schemaOf(inner);
    if (!(property.flags & SymbolFlags.Optional)) required.push(property.name);
  }
  const others = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: others ? schemaOf(others) : false,
  };
}

// --- What is named ---------------------------------------------------------------------------

const types = {};

function name(typeName, schema) {
  assert.ok(!(typeName in types), `two types are called ${typeName}`);
  types[typeName] = schema;
}

const underscored = (text) => text.replaceAll('.', '_');

function nameObject(type) {
  const literal = apiObject(type);
  const thin = literal === 'v2.core.event';
  const kind = propertyType(type, 'type');
  if (literal === 'event' || thin) {
    // Base types: any event, of which `type` says nothing.
    if (!kind?.isStringLiteral()) return name(literal, define(type));
    const prefix = thin ? 'v2.core.event_' : 'event_';
    return name(prefix + underscored(kind.value), define(type));
  }
  // One that is there has `deleted?: void`.
  const deleted = (propertyType(type, 'deleted')?.flags & TypeFlags.BooleanLiteral) !== 0;
  name(deleted ? `deleted_${literal}` : literal, define(type));
}

/** The exports of a module, and of the namespaces in it that are folders of the library. */
function* declared(symbol) {
  for (const one of checker.getExportsOfModule(symbol)) {
    if (FOLDERS.has(one.name)) yield* declared(one);
    else if (one.flags & SymbolFlags.Interface) yield one;
  }
}

// Other modules' objects that happen to be declared in one of ours, such as a notification.
const isOurs = (type) => !/Notification(Base)?$/.test(type.symbol.name);

for (const [place, file] of files.entries()) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const folders = MODULES[place].split('/').slice(0, -1);
  const prefix = folders.map((folder) => `${snake(folder)}.`).join('');
  for (const symbol of declared(module)) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    if (symbol.name.endsWith('Params')) name(prefix + snake(symbol.name), define(type));
    else if (apiObject(type) !== undefined && isOurs(type)) nameObject(type);
  }
}

const envelopes = checker.getSymbolAtLocation(program.getSourceFile(LIB));
for (const [typeName, exported] of [
  ['list', 'ApiList'],
  ['search_result', 'ApiSearchResult'],
]) {
  const symbol = checker.getExportsOfModule(envelopes).find((one) => one.name === exported);
  const schema = objectSchema(checker.getDeclaredTypeOfSymbol(symbol));
  // What is inside has names of its own.
  schema.properties.data = { type: 'array' };
  $defs[exported] = schema;
  name(typeName, { $ref: `#/$defs/${exported}` });
}

// A library that changed its layout must not go by as one without types.
for (const expected of [
  'payment_intent',
  'deleted_customer',
  'event_charge_refunded',
  'radar.early_fraud_warning',
  'v2.core.event_v1_refund_created',
  'v2.core.event_destination',
  'payment_intent_create_params',
  'refund_list_params',
  'test_helpers.confirmation_token_create_params',
]) {
  assert.ok(expected in types, `${expected} is missing`);
}

const text = JSON.stringify({ $comment: `Types of npm stripe ${version}`, types, $defs });
mkdirSync(dirname(target), { recursive: true });
// Written aside first: a reader meanwhile sees the old file or the new one.
writeFileSync(`${target}.new`, text);
renameSync(`${target}.new`, target);
console.log(`${Object.keys(types).length} types, ${Object.keys($defs).length} definitions, ${text.length} bytes`);
