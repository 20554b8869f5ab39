/// The style sheet of a report; it stands inside the page.
enum ReportStyle {
    static let css = """
        :root{--page:#fff;--ink:#1b1f24;--muted:#59616b;--line:#dfe3e8;--soft:#f5f6f8;--link:#0b5cad;
        --yes:#0a7a4f;--partly:#8a5a00;--no:#a8322a;--alarm:#fdf0ee}
        @media (prefers-color-scheme:dark){:root{--page:#15181d;--ink:#e8eaed;--muted:#a7afba;--line:#333a44;
        --soft:#1d2128;--link:#7cb8f5;--yes:#4cc38a;--partly:#e8b04a;--no:#ff8a80;--alarm:#351c1a}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
        main{max-width:880px;margin:0 auto;padding:24px 20px 64px}
        h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 .3em;overflow-wrap:anywhere}
        h2{font-size:1.3rem;margin:2.2em 0 .6em;padding-top:.6em;border-top:1px solid var(--line)}
        h3{font-size:1.02rem;margin:1.6em 0 .4em}
        p{margin:.5em 0}a{color:var(--link)}
        .context{color:var(--muted);overflow-wrap:anywhere}
        nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:1em 0}
        .verdict{border-left:4px solid var(--muted);padding:2px 0 2px 14px;margin:18px 0}
        .verdict h3{margin:0;display:flex;flex-wrap:wrap;gap:0 .6em;align-items:baseline}.verdict p{margin:.25em 0 0}
        .outcome{font-size:.8rem;font-weight:600;color:var(--muted)}
        .yes{border-color:var(--yes)}.yes .outcome{color:var(--yes)}
        .partly{border-color:var(--partly)}.partly .outcome{color:var(--partly)}
        .no{border-color:var(--no)}.no .outcome{color:var(--no)}
        .scroll{overflow-x:auto;max-width:100%}.tall{max-height:460px;overflow-y:auto;border:1px solid var(--line);border-radius:4px}
        table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:100%}
        th,td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
        .n{text-align:right}.strong{font-weight:600}
        .paper th,.paper td{padding:5px 8px}.paper thead th{white-space:normal;vertical-align:bottom}
        .paper th:not(:first-child){text-align:right;font-weight:600}.paper tbody th{font-weight:400;white-space:normal;min-width:165px}
        .paper .group{text-align:center!important;color:var(--muted);border-bottom:2px solid var(--line)}
        .sortable thead th{position:sticky;top:0;background:var(--soft);padding:0}
        .sortable button{all:unset;cursor:pointer;display:block;padding:6px 10px;font-weight:600;white-space:nowrap}.sortable th.n button{text-align:right}
        .more:focus-visible,.sortable button:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:-2px}
        th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
        .filter{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline;margin:.5em 0;color:var(--muted);font-size:.9rem}
        input{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:4px;padding:4px 8px;width:min(280px,70%)}
        .more{font:inherit;font-size:.88rem;color:var(--link);background:none;border:1px solid var(--line);border-radius:4px;padding:4px 10px;margin:6px 0;cursor:pointer}
        .more[hidden]{display:none}code{font:.88em ui-monospace,Menlo,Consolas,"Liberation Mono",monospace}
        .alarm{background:var(--alarm);border-left:4px solid var(--no);padding:10px 16px;border-radius:4px;margin:18px 0}
        .alarm h2{border:0;margin:0;padding:0;font-size:1.1rem;color:var(--no)}.alarm ul{margin:.4em 0;padding-left:1.2em;overflow-wrap:anywhere}
        .altered{color:var(--no);font-weight:600}.findings{padding-left:1.2em}.findings li{margin:.3em 0}
        .swipe{display:none}
        details{margin:14px 0}summary{cursor:pointer;font-weight:600}
        figure{margin:28px 0}figcaption,.download{font-size:.85rem;color:var(--muted);margin:.3em 0 0}
        figure svg.plot{display:block;width:100%;min-width:720px;max-width:none;height:auto}
        .note{background:var(--soft);padding:8px 14px;border-radius:4px;margin:14px 0}
        pre{font:.82rem/1.5 ui-monospace,Menlo,Consolas,"Liberation Mono",monospace;margin:0;padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere}
        .tall pre{white-space:pre;overflow-wrap:normal}
        dl{margin:0;font-size:.9rem}dl>div{display:grid;grid-template-columns:minmax(110px,200px) 1fr;gap:2px 14px;padding:4px 0;border-bottom:1px solid var(--line)}
        dl dl>div{border:0;padding:2px 0}.item+.item{border-top:1px solid var(--line);margin-top:6px;padding-top:6px}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
        .files{padding-left:1.2em;font-size:.92rem}
        @media (max-width:560px){body{font-size:15px}main{padding:14px 14px 48px}h1{font-size:1.35rem}
        dl>div{grid-template-columns:1fr}dt{font-size:.82rem}.swipe{display:inline}}
        @media print{.filter,.more,.swipe,nav{display:none}.tall{max-height:none}}

        """
}
