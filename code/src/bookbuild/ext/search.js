/* Ranks the sections of the book by the words of a query (search.py says how and why). */
(() => {
  const plain = Search._performSearch, { at, in: where } = Search.sections, stemmer = new Stemmer();
  const mean = at.reduce((sum, section) => sum + section[3], 0) / at.length;
  const TOKEN = /[a-z0-9à-öø-ɏ]+|\p{L}|[^\p{L}\p{N}_\s!-/:-@[-`{-~]/gu;
  const american = word => word.replace(/is(e|es|ed|ing|ation|ations)$/, "iz$1");
  const known = word => Object.hasOwn(where, word);
  const stem = word => stemmer.stemWord(american(word));

  const tokens = text => (text.normalize("NFKC").toLowerCase().replace(/['’]/g, "").match(TOKEN) ?? []);

  // A word that no section holds may be two that are written as one, or the beginning of one.
  const meant = word => {
    if (known(stem(word))) return [stem(word)];
    for (let i = 3; i <= word.length - 3; i++) {
      const parts = [word.slice(0, i), word.slice(i)].map(stem);
      if (parts.every(known)) return parts;
    }
    return word.length < 4 ? [] : Object.keys(where).filter(other => other.startsWith(word)).slice(0, 8);
  };

  const rank = query => {
    const scores = new Map();
    const words = tokens(query).filter(word => !stopwords.includes(word));
    for (const word of new Set(words.flatMap(meant))) {
      const n = where[word].length / 2, rare = Math.log(1 + (at.length - n + .5) / (n + .5));
      for (let i = 0; i < 2 * n; i += 2) {
        const [section, count] = where[word].slice(i, i + 2);
        const long = .5 + .5 * at[section][3] / mean;
        scores.set(section, (scores.get(section) ?? 0) + rare * 2.2 * count / (count + 1.2 * long));
      }
    }
    return [...scores].sort((a, b) => b[1] - a[1]);
  };

  // Sphinx looks for the excerpt of an anchor as if its dots were classes.
  const excerpt = Search.htmlToText;
  Search.htmlToText = (page, anchor) => excerpt(page, anchor && "#" + CSS.escape(anchor.slice(1)));

  Search.words = text => tokens(text).map(american);
  Search.rank = query => rank(query).map(([section, score]) => [...at[section].slice(0, 3), score]);

  // Results are [page, title, anchor, description, score, file], the best one last.
  Search._performSearch = (query, ...terms) => {
    const found = rank(query), best = found.length ? found[0][1] : 0;
    const sections = found.filter(([, score]) => score > best / 4).slice(0, 30).reverse()
      .map(([i, score]) => [at[i][0], at[i][2], at[i][1] && "#" + at[i][1], null, Math.round(score), at[i][0]]);
    const named = plain(query, ...terms).filter(result => result[3]);  // functions, and the glossary
    return /\s/.test(query.trim()) ? [...named, ...sections] : [...sections, ...named];
  };
})();
