"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PER_PAGE = 50;
  const number = new Intl.NumberFormat("en");
  const $ = (id) => document.getElementById(id);

  /* An element with a class and children. Strings become text, never markup. */
  const make = (tag, className, ...children) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  const time = (us) => {
    if (us === undefined) return "";
    if (us < 1e3) return us + " µs";
    if (us < 1e6) return (us / 1e3).toFixed(us < 1e5 ? 1 : 0) + " ms";
    return (us / 1e6).toFixed(1) + " s";
  };

  const name = (row) => (row.w === undefined ? "(unreadable)" : row.w);
  const COLUMNS = [
    { title: "Word", width: "w-word", value: (row) => name(row).toLowerCase() },
    { title: "Verdict", width: "w-verdict", value: (row) => row.v },
    { title: "Strategy", width: "w-strategy", value: (row) => row.s || "~" },
    { title: "Tests", width: "w-small", isNumber: true, value: (row) => row.tests[1] },
    { title: "Size", width: "w-small", isNumber: true, value: (row) => row.n ?? -1 },
    { title: "Steps", width: "w-small", isNumber: true, value: (row) => row.steps },
    { title: "Time", width: "w-time", isNumber: true, value: (row) => row.us ?? -1 },
    { title: "Where", width: "", value: (row, i) => i },
  ];

  const rows = data.rows;
  const haystacks = rows.map((row) =>
    [name(row), row.f + ":" + row.l, row.code, row.why, row.givenWhy, row.about, row.t, row.effect, ...(row.tags || []),
      ...(row.found || [])].filter(Boolean).join("\n").toLowerCase());

  /* What all files have in front is told once, in the details. */
  const common = rows.map((row) => row.f.slice(0, row.f.lastIndexOf("/") + 1)).reduce((a, b) => {
    while (!b.startsWith(a)) a = a.slice(0, a.lastIndexOf("/", a.length - 2) + 1);
    return a;
  }, rows.length ? rows[0].f.slice(0, rows[0].f.lastIndexOf("/") + 1) : "");

  /* A path that breaks after its slashes, and a line number that stays with the name. */
  const placeOf = (row) => {
    const place = make("span", "place");
    (row.f.slice(common.length) + ":" + row.l).split("/").forEach((part, i) => place.append(...(i ? ["/", make("wbr"), part] : [part])));
    place.title = row.f + ":" + row.l;
    return place;
  };

  /* column null: as the page came, failures first. */
  const view = { words: [], verdicts: new Set(), strategy: "", tag: "", column: null, isDescending: false, page: 0 };
  const opened = new Set();
  let shown = [];

  const matches = (row, i) =>
    (view.verdicts.size === 0 || view.verdicts.has(row.v)) &&
    (view.strategy === "" || row.s === view.strategy) &&
    (view.tag === "" || (row.tags || []).includes(view.tag)) &&
    view.words.every((word) => haystacks[i].includes(word));

  const compare = (a, b) => {
    const value = COLUMNS[view.column].value;
    const [x, y] = [value(rows[a], a), value(rows[b], b)];
    const order = x < y ? -1 : x > y ? 1 : 0;
    return (view.isDescending ? -order : order) || a - b;
  };

  const refresh = () => {
    shown = [];
    rows.forEach((row, i) => matches(row, i) && shown.push(i));
    if (view.column !== null) shown.sort(compare);
    view.page = 0;
    draw();
  };

  const draw = () => {
    const from = view.page * PER_PAGE;
    const page = shown.slice(from, from + PER_PAGE);
    $("rows").replaceChildren(...page.flatMap((i) => (opened.has(i) ? [rowOf(i), detailOf(i)] : [rowOf(i)])));
    if (page.length === 0) $("rows").append(nothing());
    $("matches").textContent = shown.length === rows.length
      ? number.format(rows.length) + (rows.length === 1 ? " specification" : " specifications")
      : number.format(shown.length) + " of " + number.format(rows.length) + " match";
    drawPager();
    drawColumns();
  };

  /* The definition without its name, on one line. */
  const bodyOf = (code) => code.replace(/^:\s+\S+\s+/, "").replace(/\s*;\s*$/, "").replace(/\s+/g, " ") || "(nothing)";

  const nothing = () => {
    const td = make("td", "quiet", rows.length === 0 ? "There are no specifications." : "Nothing matches.");
    td.colSpan = COLUMNS.length;
    return make("tr", "", td);
  };

  const rowOf = (i) => {
    const row = rows[i];
    const open = make("button", "open-row", name(row));
    open.type = "button";
    open.setAttribute("aria-expanded", opened.has(i));
    const verdict = data.verdicts[row.v];
    const cells = [
      make("td", "", open, row.why !== undefined ? make("span", "why", row.why) : row.code ? make("span", "peek", bodyOf(row.code)) : null),
      make("td", "", make("span", "verdict t-" + verdict, make("i", "dot b-" + verdict), row.x ? "expected" : verdict)),
      make("td", "optional", row.s || ""),
      make("td", "optional number", row.tests[1] === 0 ? "" : row.tests[0] + "/" + row.tests[1]),
      make("td", "optional number", row.n === undefined ? "" : number.format(row.n)),
      make("td", "optional number", row.steps === 0 ? "" : number.format(row.steps)),
      make("td", "optional number", time(row.us)),
      make("td", "where", placeOf(row)),
    ];
    const tr = make("tr", opened.has(i) ? "row is-open" : "row", ...cells);
    if (row.x) cells[1].title = "unsolved, as tagged";
    tr.addEventListener("click", (event) => {
      if (event.target !== open && String(getSelection()) !== "") return;
      opened.has(i) ? opened.delete(i) : opened.add(i);
      const isOpen = opened.has(i);
      open.setAttribute("aria-expanded", isOpen);
      tr.classList.toggle("is-open", isOpen);
      isOpen ? tr.after(detailOf(i)) : tr.nextElementSibling.remove();
    });
    return tr;
  };

  const pairs = (list) => {
    const entries = list.filter(([, value]) => value !== undefined && value !== "");
    return make("dl", "pairs", ...entries.map(([key, value]) => make("div", "", make("dt", "", key), make("dd", "", value))));
  };
  const ofPair = (pair) => pair && pair[0] + " of " + pair[1];

  const detailOf = (i) => {
    const row = rows[i];
    const body = make("div", "detail-body");
    if (row.effect) body.append(make("code", "", row.effect));
    if (row.about) body.append(make("p", "", row.about));
    if (row.code) body.append(forth(row.code));
    if (row.given && row.given !== "verified") {
      body.append(make("p", "", "The supplied code or pattern is " + row.given + (row.givenWhy ? ": " : ""),
        row.givenWhy ? make("span", "why", row.givenWhy) : null));
    }
    (row.found || []).forEach((found) => body.append(make("p", "quiet", found)));
    body.append(pairs([
      ["strategy", row.s], ["tests", row.tests[1] ? ofPair(row.tests) : undefined], ["held out", ofPair(row.held)], ["properties checked", ofPair(row.props)],
      ["template", row.t], ["candidates", number.format(row.cand)], ["search", row.stop], ["size", row.n === undefined ? undefined : row.n + (row.n === 1 ? " word" : " words")],
      ["steps", row.steps ? number.format(row.steps) : undefined], ["time", time(row.us)], ["at", row.f + ":" + row.l],
    ]));
    if (row.tags) body.append(make("div", "tags", ...row.tags.map(tagButton)));
    const td = make("td", "", body);
    td.colSpan = COLUMNS.length;
    return make("tr", "detail", td);
  };

  const tagButton = (tag) => {
    const button = make("button", "tag", tag);
    button.type = "button";
    button.title = "Show only this tag";
    button.addEventListener("click", () => {
      if (![...$("tag").options].some((option) => option.value === tag)) $("tag").add(new Option(tag, tag));
      $("tag").value = view.tag = tag;
      refresh();
      $("specs").scrollIntoView();
    });
    return button;
  };

  /* Forth in colours: comments, numbers, defining and control words. */
  const KEYWORDS = new Set(": ; if else then begin while repeat until again do ?do loop +loop leave exit recurse case of endof endcase unloop i j".split(" "));
  const forth = (code) => {
    const pre = make("pre");
    for (const part of code.match(/\(\s[^)]*\)?|\\(?=\s).*|\s+|\S+/g) || []) {
      const kind = /^(\(\s|\\\s)/.test(part) || part === "\\" ? "c" : /^-?\d+$/.test(part) ? "n" : KEYWORDS.has(part.toLowerCase()) ? "k" : "";
      pre.append(kind ? make("span", kind, part) : part);
    }
    return pre;
  };

  const drawColumns = () => {
    [...$("columns").children].forEach((th, i) => {
      if (i === view.column) th.setAttribute("aria-sort", view.isDescending ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    $("order").value = view.column === null ? "" : view.column + (view.isDescending ? "d" : "a");
  };

  const drawPager = () => {
    const n = Math.ceil(shown.length / PER_PAGE);
    if (n <= 1) return $("pager").replaceChildren();
    const button = (text, page) => {
      const element = make("button", "", text);
      element.type = "button";
      element.disabled = page < 0 || page >= n;
      element.addEventListener("click", () => {
        view.page = page;
        draw();
        $("specs").scrollIntoView();
        /* The pressed button was replaced: keep the focus where the keyboard was. */
        const again = [...$("pager").querySelectorAll("button")];
        (again.find((other) => other.textContent === text && !other.disabled) || again.find((other) => !other.disabled)).focus({ preventScroll: true });
      });
      return element;
    };
    $("pager").replaceChildren(button("Previous", view.page - 1),
      make("span", "quiet", "page " + (view.page + 1) + " of " + n), button("Next", view.page + 1));
  };

  const sortBy = (column, isDescending) => {
    view.column = column;
    view.isDescending = isDescending;
    refresh();
  };

  COLUMNS.forEach((column, i) => {
    const button = make("button", column.isNumber ? "number" : "", column.title);
    button.type = "button";
    const firstDescending = Boolean(column.isNumber);
    button.addEventListener("click", () => {
      if (view.column !== i) sortBy(i, firstDescending);
      else if (view.isDescending === firstDescending) sortBy(i, !firstDescending);
      else sortBy(null, false);
    });
    const th = make("th", column.width, button);
    th.scope = "col";
    $("columns").append(th);
  });
  $("order").add(new Option("failures first", ""));
  COLUMNS.forEach((column, i) => $("order").add(new Option("by " + column.title.toLowerCase(), i + (column.isNumber ? "d" : "a"))));
  $("order").addEventListener("change", (event) => {
    const value = event.target.value;
    value === "" ? sortBy(null, false) : sortBy(parseInt(value, 10), value.endsWith("d"));
  });
  data.tags.forEach((tag) => $("tag").add(new Option(tag.length > 60 ? tag.slice(0, 60) + "…" : tag, tag)));
  $("tag").addEventListener("change", (event) => { view.tag = event.target.value; refresh(); });
  $("strategy").addEventListener("change", (event) => { view.strategy = event.target.value; refresh(); });
  document.querySelectorAll(".chip").forEach((chip) => chip.addEventListener("click", () => {
    const verdict = Number(chip.dataset.verdict);
    const isOn = !view.verdicts.delete(verdict);
    if (isOn) view.verdicts.add(verdict);
    chip.setAttribute("aria-pressed", isOn);
    refresh();
  }));
  let waiting;
  $("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      view.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      refresh();
    }, 60);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      $("search").focus();
    }
  });
  refresh();
})();
