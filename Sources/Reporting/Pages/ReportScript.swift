/// What makes a report's tables sort and filter; it stands inside the page.
///
/// `shortNumber` writes numbers as `NumberText.short` does with four digits, since rows beyond the first ones come
/// as data.
enum ReportScript {
    static let text = #"""
        "use strict";
        const shortNumber = value => {
          if (Number.isNaN(value)) return "NaN";
          if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
          if (value === 0) return "0";
          const size = Math.abs(value), power = Math.floor(Math.log10(size) + 1e-12);
          const trimmed = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
          const sign = value < 0 ? "−" : "";
          if (power < -4 || power > 6) {
            const [mantissa, exponent] = size.toExponential(3).split("e");
            const digits = [...String(Math.abs(exponent))].map(digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
            const ten = "10" + (exponent < 0 ? "⁻" : "") + digits;
            return sign + (trimmed(mantissa) === "1" ? ten : trimmed(mantissa) + "×" + ten);
          }
          const [whole, fraction] = trimmed(size.toFixed(Math.max(0, 3 - power))).split(".");
          const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
          return sign + grouped + (fraction ? "." + fraction : "");
        };
        const step = 500;
        for (const table of document.querySelectorAll("table.sortable")) {
          const body = table.tBodies[0];
          const heads = [...table.tHead.rows[0].cells];
          const isNumber = heads.map(head => head.classList.contains("n"));
          const names = heads.map(head => head.textContent.toLowerCase().replace(/ \([^)]*\)$/, "").replace(/ /g, "_"));
          const box = table.closest("details").querySelector("input");
          const count = table.closest("details").querySelector("output");
          const source = table.parentElement.nextElementSibling;
          let rows;
          if (source && source.tagName === "SCRIPT") {
            const columns = JSON.parse(source.textContent).map(column =>
              Array.isArray(column) ? column : column.codes.map(code => code < 0 ? null : column.words[code]));
            rows = columns[0].map((_, place) => {
              const keys = columns.map((column, index) =>
                column[place] === null ? "" : isNumber[index] ? Number(column[place]) : column[place]);
              return {place, keys};
            });
          } else {
            rows = [...body.rows].map((row, place) => ({place, row, keys: [...row.cells].map((cell, index) => {
              const value = cell.dataset.v;
              if (value === undefined) return cell.textContent;
              return value === "inf" ? Infinity : value === "-inf" ? -Infinity : value === "nan" ? NaN : Number(value);
            })}));
          }
          const textOf = (row, index) => {
            const key = row.keys[index];
            return typeof key !== "number" ? key : Number.isInteger(key) && Math.abs(key) < 1e15 && !row.row ? String(key) : shortNumber(key);
          };
          const elementOf = row => {
            if (row.row) return row.row;
            const element = document.createElement("tr");
            row.keys.forEach((key, index) => {
              const cell = element.insertCell();
              cell.textContent = textOf(row, index);
              if (isNumber[index]) cell.className = "n";
            });
            return row.row = element;
          };
          let shown = rows, limit = step, sorted = null;
          const more = document.createElement("button");
          more.type = "button";
          more.className = "more";
          more.addEventListener("click", () => { limit += step; draw(); });
          table.parentElement.after(more);
          const draw = () => {
            body.replaceChildren(...shown.slice(0, limit).map(elementOf));
            more.hidden = shown.length <= limit;
            more.textContent = "Show " + shortNumber(Math.min(step, shown.length - limit)) + " more rows";
            const drawn = Math.min(limit, shown.length).toLocaleString("en"), all = shown.length.toLocaleString("en");
            count.textContent = (shown.length < rows.length ? all + " of " + rows.length.toLocaleString("en") + " rows match" : "")
              + (shown.length > limit ? (shown.length < rows.length ? "; " : "") + "showing the first " + drawn + " of " + all : "");
          };
          const isLast = key => key === "" || Number.isNaN(key);
          const compare = (a, b, column, ascending) => {
            const [x, y] = [a.keys[column], b.keys[column]];
            if (isLast(x) || isLast(y)) return isLast(x) - isLast(y) || a.place - b.place;
            return (x < y ? -1 : x > y ? 1 : 0) * (ascending ? 1 : -1) || a.place - b.place;
          };
          const select = () => {
            const terms = box.value.trim().split(/\s+/).filter(term => term).map(term => {
              const parts = /^([A-Za-z_0-9]+)(<=|>=|=|<|>)(.+)$/.exec(term);
              const column = parts ? names.indexOf(parts[1].toLowerCase()) : -1;
              if (column < 0) {
                const word = term.toLowerCase();
                return row => row.keys.some((_, index) => textOf(row, index).toLowerCase().includes(word));
              }
              const wanted = isNumber[column] ? Number(parts[3]) : parts[3].toLowerCase();
              return row => {
                let key = row.keys[column];
                if (key === "") return false;
                if (!isNumber[column]) key = key.toLowerCase();
                switch (parts[2]) {
                  case "=": return key === wanted || textOf(row, column).toLowerCase() === parts[3].toLowerCase();
                  case "<": return key < wanted;
                  case ">": return key > wanted;
                  case "<=": return key <= wanted;
                  default: return key >= wanted;
                }
              };
            });
            shown = terms.length ? rows.filter(row => terms.every(term => term(row))) : [...rows];
            if (sorted) shown.sort((a, b) => compare(a, b, sorted.column, sorted.ascending));
            limit = step;
            draw();
          };
          heads.forEach((head, column) => {
            head.firstElementChild.addEventListener("click", () => {
              const ascending = head.getAttribute("aria-sort") !== "ascending";
              heads.forEach(other => other.removeAttribute("aria-sort"));
              head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
              sorted = {column, ascending};
              select();
            });
          });
          box.addEventListener("input", select);
          if (rows.length > body.rows.length) { shown = rows; draw(); }
          else more.hidden = true;
        }

        """#
}
