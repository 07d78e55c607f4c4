// Writes src/api.ts: the types of docs/openapi.json, and which codes each operation answers with.
//
//   npm run types

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);
const TARGET = new URL('./src/api.ts', import.meta.url);

/** What src/api.ts must be. */
export async function generated() {
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
  const schemas = document.components.schemas;
  // Our own functions say what is sent where; of the paths only the codes are of use.
  const types = await openapiTS(
    { ...document, paths: {} },
    {
      alphabetize: true,
      // What has a default may be left out of a request.
      defaultNonNullable: false,
      rootTypes: true,
      rootTypesNoSchemaPrefix: true,
      rootTypesKeepCasing: true,
    },
  );
  return [
    '// Generated from docs/openapi.json by `npm run types`. Do not edit.\n\n',
    astToString(types),
    '\n',
    operations(document.paths, schemas.ErrorCode.enum, schemas.SessionErrorCode.enum),
  ].join('');
}

/** The codes of each operation, and all of them for a look at what an answer says. */
function operations(paths, shop, session) {
  const all = [...shop, ...session];
  const found = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId, responses }) => [operationId, codesOf(responses)])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const somewhere = new Set(found.flatMap(([, codes]) => codes));
  const anywhere = all.filter((code) => !somewhere.has(code));
  const lines = found.map(([operation, codes]) => `  ${operation}: ${union(codes)};\n`);
  return [
    '/** Codes that no operation names: any request may be answered with them. */\n',
    `export type CodeOfAny = ${union(anywhere)};\n\n`,
    '/** The codes that each operation names. */\n',
    `export interface CodesOf {\n${lines.join('')}}\n\n`,
    '/** Every code there is. */\n',
    `export const CODES: readonly (ErrorCode | SessionErrorCode)[] = ${JSON.stringify(all)};\n`,
  ].join('');
}

function codesOf(responses) {
  const media = Object.values(responses).flatMap(({ content }) => Object.values(content ?? {}));
  const codes = media.flatMap(({ examples }) => Object.keys(examples ?? {}));
  return [...new Set(codes)].sort();
}

const union = (codes) => codes.map((code) => `'${code}'`).join(' | ') || 'never';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(TARGET, await generated());
}
