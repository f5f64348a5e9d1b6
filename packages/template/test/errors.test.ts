import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render, TemplateError } from '../src/index.ts';

/** Each mistake with its whole message: where, the action, what is wrong, and the way out. */
const DATA = { name: 'node', list: ['a'], map: { host: 'h' }, count: 3, nothing: null };

const MISTAKES: readonly (readonly [template: string, message: string, hint: string])[] = [
  ['{{ uppr .name }}', 't:1:4: {{ uppr .name }}: function "uppr" not defined', 'did you mean upper?'],
  [
    '{{ hostname }}',
    't:1:4: {{ hostname }}: function "hostname" not defined',
    'a field begins with a dot, .hostname; a text is quoted, "hostname"',
  ],
  ['{{ Upper .name }}', 't:1:4: {{ Upper .name }}: function "Upper" not defined', 'did you mean upper?'],
  [
    'a\n  {{ $hots }}',
    't:2:6: {{ $hots }}: undefined variable "$hots"',
    'declare it first, {{$hots := ...}}, outside of any block that ends before',
  ],
  ['{{ $host := 1 }}{{ $hots }}', 't:1:20: {{ $hots }}: undefined variable "$hots"', 'did you mean $host?'],
  [
    '{{ genCA "x" 1 }}',
    't:1:4: {{ genCA "x" 1 }}: function "genCA" is not available',
    'make keys and password hashes before, outside of the configuration',
  ],
  [
    '{{ if eq .name "x" }}y',
    't:1:23: unexpected EOF',
    '{{end}} is missing for the action that begins on line 1',
  ],
  ['{{ .name }', 't:1:10: {{ .name }: unexpected "}" in operand', 'close it with }}'],
  ['x {{ .name', 't:1:3: {{ .name: unclosed action', 'close it with }}'],
  ['{{ (.name }}', 't:1:1: {{ (.name }}: unclosed left paren', 'close it with ) before }}'],
  [
    '{{ .name == "x" }}',
    't:1:10: {{ .name == "x" }}: unexpected "=" in operand',
    'there are no operators: write eq, ne, lt, gt, and, or, not as functions, {{if eq .a "b"}}',
  ],
  [
    '{{ .a-b }}',
    "t:1:4: {{ .a-b }}: bad character U+002D '-'",
    'a name has no - in it: write (index . "a-b") for an entry that has, and a space before -}}',
  ],
  [
    "{{ 'name' }}",
    "t:1:4: {{ 'name' }}: malformed character constant: 'name'",
    'single quotes hold one character: write "name"',
  ],
  [
    '{{ "a\n" }}',
    't:1:4: {{ "a " }}: unterminated quoted string',
    'close the quotes on the same line; a text of several lines takes backquotes',
  ],
  [
    '{{ "\\d" }}',
    't:1:4: {{ "\\d" }}: invalid syntax',
    '\\d is no escape of Go: write \\\\ for a backslash, or quote the text with backquotes',
  ],
  [
    '{{ end }}',
    't:1:8: {{ end }}: unexpected {{end}}',
    'there is no open {{if}}, {{range}}, {{with}}, {{block}} or {{define}} here',
  ],
  [
    '{{ 2i }}',
    't:1:4: {{ 2i }}: complex number 2i is not supported',
    'configuration has no use for complex numbers',
  ],
  [
    '{{ .name | 3 }}',
    't:1:12: {{ .name | 3 }}: non executable command in pipeline stage 2',
    'behind | stands a function, which takes the value before it as its last argument',
  ],
  ['{{ break }}', 't:1:4: {{ break }}: {{break}} outside {{range}}', 'only a loop can be left'],
  [
    '{{ .name.first }}',
    "t:1:9: {{ .name.first }}: can't evaluate field first in type string",
    'only maps have fields',
  ],
  [
    '{{ .list.first }}',
    "t:1:9: {{ .list.first }}: can't evaluate field first in type []interface {}",
    'this is a list: take an element of it by (index ... 0), or {{range}} over it',
  ],
  [
    '{{ .nothing.x }}',
    't:1:12: {{ .nothing.x }}: nil pointer evaluating interface {}.x',
    'what should have the field .x is null: guard it by {{with ...}}',
  ],
  [
    '{{ .name "x" }}',
    't:1:4: {{ .name "x" }}: name is not a method but has arguments',
    'a field takes no arguments: a function comes first, {{function .field argument}}',
  ],
  [
    '{{ upper }}',
    't:1:4: {{ upper }}: wrong number of args for upper: want 1 got 0',
    'it is used as (upper string); a piped value is the last argument',
  ],
  [
    '{{ upper .count }}',
    't:1:10: {{ upper .count }}: wrong type for value; expected string; got float64',
    'make a text of it: (toString ...)',
  ],
  [
    '{{ until .count }}',
    't:1:10: {{ until .count }}: wrong type for value; expected int; got float64',
    'make an int of it: (int ...)',
  ],
  [
    '{{ upper .nmae }}',
    't:1:10: {{ upper .nmae }}: invalid value; expected string',
    'there is no value: is the name right? `default` gives one where there may be none',
  ],
  ['{{ upper 3 }}', 't:1:10: {{ upper 3 }}: expected string; found 3', 'write texts in double quotes'],
  [
    '{{ eq .count 3 }}',
    't:1:4: {{ eq .count 3 }}: error calling eq: incompatible types for comparison',
    'one is a float64, the other a int: numbers of JSON are float64; make both alike by int, float64 or toString',
  ],
  [
    '{{ index .list 4 }}',
    't:1:4: {{ index .list 4 }}: error calling index: index out of range: 4',
    'there are 1, counted from 0',
  ],
  [
    '{{ template "hots" }}{{ define "host" }}x{{ end }}',
    't:1:13: {{ template "hots" }}: template "hots" not defined',
    'did you mean "host"?',
  ],
  [
    '{{ range .name }}{{ end }}',
    "t:1:10: {{ range .name }}: range can't iterate over node",
    'this is a string: {{range}} takes a list, a map or an int',
  ],
  [
    '{{ required "a disk is needed" .disk }}',
    't:1:4: {{ required "a disk is needed" .disk }}: error calling required: a disk is needed',
    'this template cannot do without a value here',
  ],
  [
    '{{ env "HOME" }}',
    't:1:4: {{ env "HOME" }}: error calling env: there is no environment here',
    'configuration must not depend on who reads it; use .Values instead',
  ],
  [
    '{{ now }}',
    't:1:4: {{ now }}: error calling now: there is no clock here',
    'a configuration that depends on when it is read means something else each time',
  ],
  [
    '{{ uuidv4 }}',
    't:1:4: {{ uuidv4 }}: error calling uuidv4: there is no source of random bytes here',
    'a configuration that differs each time it is read cannot be checked; .Random is given at boot',
  ],
  [
    '{{ dateInZone "2006" 0 "Europe/Rome" }}',
    't:1:4: {{ dateInZone "2006" 0 "Europe/Rome" }}: error calling dateInZone: the time zone Europe/Rome is not known here',
    'there is no time zone database in the initrd: write "UTC"',
  ],
  [
    'ö\nä ö {{ .name.x }}',
    "t:2:13: {{ .name.x }}: can't evaluate field x in type string",
    'only maps have fields',
  ],
];

for (const [template, message, hint] of MISTAKES) {
  test(`${JSON.stringify(template)} is refused`, () => {
    assert.throws(
      () => render(template, DATA, { name: 't' }),
      (error) => {
        assert.ok(error instanceof TemplateError);
        assert.equal(error.message, message);
        assert.equal(error.hint, hint);
        return true;
      },
    );
  });
}
