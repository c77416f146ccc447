import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document, looked into
type Json = any;

let app: Awaited<ReturnType<typeof startTestApp>>;
let document: Json;
before(async () => {
  // Demo mode, because its routes belong into the document too.
  app = await startTestApp({ AUTH_SECRET: '' });
  document = (await app.rest('GET', 'openapi.json')).body;
});
after(() => app[Symbol.asyncDispose]());

const methods = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head', 'trace'];

function operations(): { path: string; item: Json; method: string; operation: Json }[] {
  return Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item)
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]) => ({ path, item, method, operation })),
  );
}

/** Every value within a value, with itself. */
function* within(value: Json): Generator<Json> {
  yield value;
  if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) yield* within(child);
}

test('[RE10] the OpenAPI document is a 3.1 one: head, paths, parameters and answers are whole', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title && document.info.version);
  assert.ok(operations().length >= 12);
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    assert.match(path, /^\//);
    assert.doesNotMatch(path, /[:*?]/, where);
    const statuses = Object.entries<Json>(operation.responses ?? {});
    assert.ok(statuses.length > 0, where);
    for (const [status, response] of statuses) {
      assert.match(status, /^([1-5](\d\d|XX)|default)$/, where);
      assert.equal(typeof response.description, 'string', where);
    }
    assert.ok(
      statuses.some(([status]) => status.startsWith('2')),
      `${where} says what success looks like`,
    );
    const declared = (operation.parameters ?? []).filter((parameter: Json) => parameter.in === 'path').map(({ name }: Json) => name);
    assert.deepEqual(declared.sort(), [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(), where);
    for (const parameter of operation.parameters ?? []) {
      assert.ok(['path', 'query', 'header', 'cookie'].includes(parameter.in), where);
      assert.ok(parameter.schema, where);
      if (parameter.in === 'path') assert.equal(parameter.required, true, where);
    }
    if (operation.requestBody) assert.ok(operation.requestBody.content['application/json'].schema, where);
    for (const requirement of operation.security ?? document.security) {
      for (const name of Object.keys(requirement)) assert.ok(document.components.securitySchemes[name], where);
    }
  }
});

test('[RE10] every reference of the document leads somewhere', () => {
  for (const value of within(document)) {
    const reference = typeof value === 'object' && value !== null ? value.$ref : undefined;
    if (typeof reference !== 'string') continue;
    const found = reference
      .replace(/^#\//, '')
      .split('/')
      .reduce((place: Json, part) => place?.[part], document);
    assert.ok(found, reference);
  }
});

test('[RE10] every operation tells the shape of its errors, with all codes', () => {
  for (const { path, operation } of operations()) {
    const { schema } = operation.responses.default.content['application/json'];
    assert.ok(schema.properties.error.properties.code.enum.includes('auth.invalid_token'), path);
  }
});

test('[RE10] every route of the API is in the document, and only those', () => {
  const documented = operations().map(({ path, method }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
  for (const line of documented) {
    const [method, url] = line.split(' ') as ['GET', string];
    assert.ok(app.app.http.hasRoute({ method, url }), line);
  }
  const routes = routesOf(app.app.http.printRoutes({ commonPrefix: false })).filter(
    ({ url }) => url.startsWith('/api/') || /^\/(healthz|readyz|metrics)$/.test(url),
  );
  const undocumented = routes
    .flatMap(({ url, methods: known }) => known.filter((method) => method !== 'HEAD').map((method) => `${method} ${url}`))
    .filter((line) => !documented.includes(line));
  assert.deepEqual(undocumented, ['GET /api/v1/openapi.json']);
});

test('[RE10] the document can be read at /docs', async () => {
  const { status, headers } = await app.rest('GET', '/docs/');
  assert.equal(status, 200);
  assert.match(headers.get('content-type') ?? '', /text\/html/);
  assert.deepEqual((await app.rest('GET', '/docs/json')).body.paths, document.paths);
});

/** The routes of Fastify's drawing of its tree, in which each line stands below the one whose beginning it shares. */
function routesOf(drawing: string): { url: string; methods: string[] }[] {
  const parents: string[] = [];
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', part = '', names] = /^((?:[│ ] {3})*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    const url = (parents[depth - 1] ?? '') + part;
    parents.splice(depth, parents.length, url);
    return names === undefined ? [] : [{ url, methods: names.split(', ') }];
  });
}
