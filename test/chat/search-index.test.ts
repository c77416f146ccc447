import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSearchIndex, findHighlights, fold, queryWordsOf, wordsOf } from '../../src/chat/search-index.ts';

test('[SE1] case and diacritics fold away', () => {
  const table: [string, string][] = [
    ['Đau Đầu', 'dau dau'],
    ['ĐAU ĐẦU', 'dau dau'],
    ['đau đầu'.normalize('NFD'), 'dau dau'],
    ['Nguyễn Thị Phượng', 'nguyen thi phuong'],
    ['ưu ơi ăn', 'uu oi an'],
    ['Äpfel Österreich', 'apfel osterreich'],
    ['Straße STRASSE', 'strasse strasse'],
    ['Łódź', 'lodz'],
    ['Ærø Œuvre', 'aero oeuvre'],
    ['ïI İı', 'ii ii'],
    ['naïve café', 'naive cafe'],
    ['ﬁnal ＡＢＣ', 'final abc'],
    ['ΟΔΟΣ', fold('οδός')],
  ];
  for (const [text, folded] of table) assert.equal(fold(text), folded, text);
});

test('[SE2] words stand where they stand in the text, in UTF-16 units', () => {
  assert.deepEqual(wordsOf('Đau đầu, 37.5°'), [
    { text: 'dau', start: 0, end: 3 },
    { text: 'dau', start: 4, end: 7 },
    { text: '37.5', start: 9, end: 13 },
  ]);
  assert.deepEqual(wordsOf('👩🏽‍⚕️ hi'), [{ text: 'hi', start: 8, end: 10 }]);
  assert.deepEqual(wordsOf(' …!? 👍'), []);
});

test('[SE3] each word of a query has to occur; from three letters on a word’s beginning is enough', () => {
  const highlights = (text: string, query: string) => findHighlights(text, queryWordsOf(query));
  assert.deepEqual(highlights('Đau đầu nhẹ', 'dau'), [
    [0, 3],
    [4, 7],
  ]);
  assert.deepEqual(highlights('Paracetamol 500 mg', 'para'), [[0, 11]]);
  assert.deepEqual(highlights('Paracetamol 500 mg', 'mg PARACET'), [
    [0, 11],
    [16, 18],
  ]);
  for (const query of ['pa', 'acetamol', 'paracetamols', 'paracetamol 1000'])
    assert.equal(highlights('Paracetamol 500 mg', query), undefined, query);
  assert.deepEqual(
    queryWordsOf('a a A ?').map(({ text }) => text),
    ['a'],
  );
});

test('[SE4] the index holds a keyed hash of each word and its first three letters, other ones in each conversation and under each key', () => {
  const [one, two] = [createSearchIndex(Buffer.alloc(32, 1)), createSearchIndex(Buffer.alloc(32, 2))];
  const tokens = one.tokensOf('c1', 'Đau đầu');
  assert.equal(tokens.length, 2, 'one word, one beginning');
  assert.deepEqual(one.tokensOf('c1', 'dau'), tokens);
  for (const others of [one.tokensOf('c2', 'dau'), two.tokensOf('c1', 'dau')])
    assert.equal(tokens.filter((token) => others.includes(token)).length, 0);
  const [word] = queryWordsOf('dau');
  assert.ok(word && tokens.includes(one.queryToken('c1', word)));
  assert.equal(one.tokensOf('c1', 'ab').length, 1, 'too short for a beginning');
  const long = Array.from({ length: 1_600 }, (_, index) => `word${index}`).join(' ');
  assert.equal(one.tokensOf('c1', long).length, 1_601, 'every word of a long message');
});
