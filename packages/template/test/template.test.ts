import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render, Template, TemplateError } from '../src/index.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof TemplateError, String(error));
    return error.code;
  }
  return 'none';
}

test('what prints as <no value> is reported, with the name that was meant', () => {
  const data = { Values: { hostname: 'h', empty: null } };
  const { text, missing } = render(
    'a\n{{ .Values.hostnam }} {{ .Values.empty }} {{ $x := .Values }}{{ $x.hostnme }}',
    data,
  );
  assert.equal(text, 'a\n<no value> <no value> <no value>');
  assert.deepEqual(
    missing.map(({ place, path, suggestion }) => [place.line, place.column, path, suggestion]),
    [
      [2, 4, '.Values.hostnam', 'hostname'],
      [2, 26, '.Values.empty', undefined],
      [2, 65, '$x.hostnme', 'hostname'],
    ],
  );
});

test('what is guarded is not reported, and a loop reports a place once', () => {
  assert.deepEqual(
    render('{{ .a | default "x" }}{{ if .b }}y{{ end }}{{ with .c }}{{ . }}{{ end }}', {}).missing,
    [],
  );
  assert.equal(render('{{ range until 50 }}{{ $.a }}{{ end }}', {}).missing.length, 1);
});

test('a template is rendered with any number of data', () => {
  const template = new Template('{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .a }}');
  assert.equal(template.render({ a: 1 }).text, '[1]');
  assert.equal(template.render({ a: 'b' }).text, '[b]');
});

test('the data of the caller stays as it is', () => {
  const data = { map: { a: 1 }, list: [1] };
  render('{{ $_ := set .map "b" 2 }}{{ $_ := unset .map "a" }}{{ .map }}', data);
  assert.deepEqual(data, { map: { a: 1 }, list: [1] });
});

test('no prototype is reached', () => {
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'length',
  ];
  for (const name of names) {
    assert.equal(render(`{{ .${name} }}{{ .m.${name} }}`, { m: {} }).text, '<no value><no value>');
    assert.equal(
      render(`{{ get .m "${name}" }}{{ hasKey .m "${name}" }}{{ dig "${name}" "none" .m }}`, { m: {} }).text,
      'falsenone',
    );
    assert.equal(
      render(`{{ $d := set .m "${name}" "x" }}{{ $d.${name} }}{{ .other }}`, { m: {} }).text,
      'x<no value>',
    );
    assert.equal(
      codeOf(() => render(`{{ ${name} . }}`, {})),
      name === 'toString' ? 'none' : 'undefined-function',
    );
    assert.equal(
      codeOf(() => render(`{{ "text".${name} }}`, {})),
      'syntax',
    );
    assert.equal(
      codeOf(() => render(`{{ ("text").${name} }}`, {})),
      'execution',
    );
    assert.equal(
      codeOf(() => render(`{{ (list).${name} }}`, {})),
      'execution',
    );
    assert.equal(
      render(`{{ "${name}" | fromJson | default "x" }}{{ (fromJson "{\\"${name}\\":1}").${name} }}`, {}).text,
      'x1',
    );
    assert.equal(render(`{{ regexReplaceAll "(a)" "a" "\${${name}}" }}`, {}).text, '');
    assert.equal(
      codeOf(() => render(`{{ template "${name}" }}`, {})),
      'execution',
    );
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  const data: unknown = JSON.parse('{"__proto__":{"polluted":1},"m":{}}');
  assert.equal(
    render('{{ $_ := merge .m . }}{{ .polluted }}{{ .__proto__.polluted }}', data).text,
    '<no value>1',
  );
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('what no template can hold is refused by its path', () => {
  for (const value of [() => 1, Symbol('s'), new Date(), /x/]) {
    assert.throws(() => render('x', { a: [value] }), {
      code: 'bad-value',
      message: /what is at the data\.a\[0\]/,
    });
  }
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  assert.throws(() => render('x', circle), { code: 'limit' });
});

test('maps and bigints are taken; numbers are float64', () => {
  const data = new Map<string, unknown>([
    ['int', 3n],
    ['float', 3],
    ['map', new Map([['k', 'v']])],
  ]);
  assert.equal(render('{{ typeOf .int }} {{ typeOf .float }} {{ .map.k }}', data).text, 'int float64 v');
});

test('what the caller gives: environment, time, random bytes', () => {
  const given = {
    environment: new Map([
      ['HOME', '/root'],
      ['Ö', 'ü'],
    ]),
    now: () => 1_700_000_000_500,
    random: (count: number) => Uint8Array.from({ length: count }, (_, index) => index),
  };
  const text = (template: string) => render(template, {}, given).text;
  assert.equal(text('{{ env "HOME" }}{{ env "NOPE" }}{{ env "Ö" }}'), '/rootü');
  assert.equal(text('{{ expandenv "$HOME/${HOME}x $NOPE." }}'), '/root//rootx .');
  assert.equal(
    text('{{ now | date "2006-01-02 15:04:05.0" }} {{ ago 1699990000 }}'),
    '2023-11-14 22:13:20.5 2h46m41s',
  );
  assert.equal(text('{{ uuidv4 }}'), '00010203-0405-4607-8809-0a0b0c0d0e0f');
  assert.match(text('{{ randAlphaNum 12 }}'), /^[A-Za-z0-9]{12}$/);
  assert.match(text('{{ randAlpha 9 }} {{ randNumeric 5 }}'), /^[A-Za-z]{9} [0-9]{5}$/);
  assert.equal(text('{{ randAscii 4 | len }} {{ randBytes 3 }}'), '4 AAEC');
  const drawn = Number(text('{{ randInt 5 9 }}'));
  assert.ok(drawn >= 5 && drawn < 9);
  assert.equal(Array.from(text('{{ shuffle "abcö" }}')).sort().join(''), 'abcö');
});

test('newer than the oracle: else with (Go 1.23), range over an int (1.24), sha512sum (sprig 3.3)', () => {
  const text = (template: string) => render(template, { a: '', b: 'x' }).text;
  assert.equal(text('{{ with .a }}1{{ else with .b }}{{ . }}{{ else }}3{{ end }}'), 'x');
  assert.equal(
    text(
      '{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}{{ range 0 }}x{{ else }}none{{ end }}',
    ),
    '01201none',
  );
  assert.equal(text('{{ sha512sum "abc" | trunc 16 }}'), 'ddaf35a193617aba');
  assert.equal(text('{{ regexFind "(?<n>b+)" "abbc" }}'), 'bb');
});

test('limits', { timeout: 60_000 }, () => {
  const hostile: readonly string[] = [
    '{{ repeat 1000000000 "x" }}',
    '{{ indent 1000000000 "x" }}',
    '{{ until 1000000000 }}',
    '{{ untilStep 0 1000000000 1 }}',
    '{{ seq 1 1000000000 }}',
    '{{ range 1000000000 }}{{ end }}',
    '{{ range 1000000000 }}x{{ end }}',
    '{{ define "f" }}{{ template "f" }}{{ end }}{{ template "f" }}',
    '{{ define "f" }}{{ template "f" }}{{ template "f" }}{{ end }}{{ template "f" }}',
    '{{ define "f" }}{{ range list 1 2 }}{{ if true }}{{ with 1 }}{{ if 1 }}{{ if 1 }}{{ template "f" }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ template "f" }}',
    `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`,
    `${'{{ if 1 }}'.repeat(5000)}${'{{ end }}'.repeat(5000)}`,
    `{{ $a := list 1 }}${'{{ $a = list $a $a $a $a }}'.repeat(40)}{{ $a }}`,
    `{{ $a := list 1 }}${'{{ $a = list $a $a $a $a }}'.repeat(40)}{{ toJson $a }}`,
    `{{ $a := list 1 }}${'{{ $a = list $a $a $a $a }}'.repeat(40)}{{ deepEqual $a (deepCopy $a) }}`,
    `{{ $a := "x" }}${'{{ $a = print $a $a $a $a }}'.repeat(40)}`,
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepEqual $d (dict "d" $d) }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ printf "%q" $d }}',
    `{{ ${'[ '.repeat(5000).replaceAll(' ', '')} }}`.replace(
      /^.*$/,
      `{{ fromJson \`${'['.repeat(5000)}\` }}`,
    ),
    '{{ regexMatch "(((a*)*)*)*b" (repeat 1000000 "a") }}',
    '{{ regexFindAll "a.*b|a" (repeat 200000 "a") -1 }}',
    '{{ regexReplaceAll "" (repeat 3000000 "a") "xxxxxxxxxxxx" }}',
    '{{ replace "" "xxxxxxxxxxxxxxxxxxxxxxxx" (repeat 1000000 "a") }}',
    '{{ replace "a" "xxxxxxxxxxxxxxxxxxxxxxxx" (repeat 1000000 "a") }}',
    '{{ contains (print (repeat 400000 "a") "b") (repeat 3000000 "a") }}',
    '{{ range 100000 }}{{ $_ := sha256sum (repeat 10000 "a") }}{{ end }}',
    '{{ $b := dict }}{{ range $i := until 10000 }}{{ $_ := set $b (print $i) 1 }}{{ end }}{{ range 100000 }}{{ range $b }}{{ break }}{{ end }}{{ end }}',
    '{{ range 100000 }}{{ printf "%.100000f" 0.1 }}{{ end }}',
    '{{ range 100000 }}{{ $_ := printf "%100000d" 1 }}{{ end }}',
    '{{ uniq (until 100000) }}',
    '{{ mulf 1.5 1.5 }}'.replace(
      '1.5 1.5',
      Array.from({ length: 3000 }, () => '1.123456789012345').join(' '),
    ),
    Array.from({ length: 1000 }, (_, index) => `{{ $v${index} := 1 }}`).join(''),
    'x'.repeat(2 << 20),
  ];
  for (const template of hostile) {
    const start = performance.now();
    assert.equal(
      codeOf(() => render(template, {})),
      'limit',
      template.slice(0, 120),
    );
    const took = performance.now() - start;
    assert.ok(took < 5000, `${took} ms: ${template.slice(0, 120)}`);
  }
});

test('a pattern that others backtrack over for ages takes no time', () => {
  const template = '{{ regexMatch "^(a+)+$" (print (repeat 5000 "a") "b") }}';
  const start = performance.now();
  assert.equal(render(template, {}).text, 'false');
  assert.ok(performance.now() - start < 2000);
});
