// What happens in the browser alone. The URL holds what the reader chose; Dash's callbacks follow it.
(function () {
  "use strict";

  const ALL = "$__all";
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);
  const noUpdate = () => window.dash_clientside.no_update;

  // ---- the URL ----

  const query = () => new URLSearchParams(window.location.search);

  function navigate(change) {
    const next = query();
    change(next);
    const search = "?" + next.toString();
    if (search !== window.location.search) setProps("location", { search });
  }

  const setTimeRange = (from, to) =>
    navigate((next) => {
      next.set("from", from);
      next.set("to", to);
    });

  function showTheme() {
    document.documentElement.dataset.theme = query().get("theme") === "light" ? "light" : "dark";
  }

  const askAgain = () => setProps("tick", { data: Date.now() });

  // A time as a reader types it: relative ones stay, others become milliseconds, in the browser's time zone.
  function toUrlTime(text) {
    const trimmed = text.trim();
    if (/^now/.test(trimmed) || /^\d+$/.test(trimmed)) return trimmed;
    const moment = new Date(trimmed.replace(" ", "T"));
    return Number.isNaN(moment.getTime()) ? trimmed : String(moment.getTime());
  }

  function toReadableTime(raw) {
    if (!/^\d+$/.test(raw)) return raw;
    const moment = new Date(Number(raw));
    const two = (number) => String(number).padStart(2, "0");
    const date = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
    return date + " " + [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
  }

  const describeBrowser = () => ({
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    width: window.innerWidth,
  });

  // ---- callbacks of Dash ----

  const LONGEST_WAIT = 30000;
  let lastTick = Date.now();

  const seconds = { s: 1, m: 60, h: 3600 };

  function refreshInterval(page) {
    const chosen = query().has("refresh") ? query().get("refresh") : page.refresh;
    const match = /^(\d+)([smh])$/.exec(chosen || "");
    return match ? { text: chosen, milliseconds: match[1] * seconds[match[2]] * 1000 } : null;
  }

  const callbacks = {
    describe: () => describeBrowser(),

    setTimer(page) {
      if (!page) return [noUpdate(), true];
      const interval = refreshInterval(page);
      const choice = document.getElementById("refresh-choice");
      if (choice) choice.value = interval ? interval.text : "";
      return interval ? [interval.milliseconds, false] : [noUpdate(), true];
    },

    // A refresh would make Dash forget the answers that are on their way: it waits for them, but not for ever.
    tick(count, answers) {
      const busy = document.querySelector(".panel[data-state=loading], .panel [data-dash-is-loading=true]");
      if (!answers || (busy && Date.now() - lastTick < LONGEST_WAIT)) return noUpdate();
      lastTick = Date.now();
      return lastTick;
    },

    showView(view, page) {
      showTheme();
      if (!view || !page) return;
      document.title = page.title + " - preview";
      const label = document.getElementById("time-label");
      if (label) label.textContent = view.label;
      setProps("time-from", { value: toReadableTime(view.from) });
      setProps("time-to", { value: toReadableTime(view.to) });
      const choice = document.getElementById("refresh-choice");
      const interval = refreshInterval(page);
      if (choice) choice.value = interval ? interval.text : "";
    },

    // All stands alone: choosing it drops the others, choosing another drops it, none left brings it back.
    chooseVariables(values, ids, view) {
      if (!view) return;
      const changes = [];
      ids.forEach((id, index) => {
        const known = view.selected[id.name];
        if (values[index] === undefined || values[index] === null || !known) return;
        let chosen = [].concat(values[index]);
        if (chosen.includes(ALL) && chosen.length > 1) {
          chosen = known.includes(ALL) ? chosen.filter((value) => value !== ALL) : [ALL];
        }
        if (!chosen.length) chosen = [ALL];
        if (JSON.stringify(chosen) !== JSON.stringify(known)) changes.push([id.name, chosen]);
      });
      if (!changes.length) return;
      navigate((next) => {
        for (const [name, chosen] of changes) {
          next.delete("var-" + name);
          chosen.forEach((value) => next.append("var-" + name, value));
        }
      });
    },

    // Dragging over a graph chooses that time range. The axis is in the browser's time zone, without its name.
    zoom(changes) {
      for (const change of changes) {
        const from = change && change["xaxis.range[0]"];
        const to = change && change["xaxis.range[1]"];
        if (!from || !to) continue;
        const [start, end] = [from, to].map((text) => new Date(String(text).replace(" ", "T")).getTime());
        if (end - start >= 1000) setTimeRange(String(Math.round(start)), String(Math.round(end)));
      }
    },

    openPoint(click, figure) {
      if (!click || !click.points.length) return noUpdate();
      const point = click.points[0];
      const own = point.customdata && point.customdata.links ? point.customdata : null;
      const trace = figure.data[point.curveNumber];
      const links = own ? own.links : (trace.meta && trace.meta.links) || [];
      if (!own && !links.length) return noUpdate();
      return popover(own ? "Exemplar" : trace.meta.name, own ? own.labels : {}, links);
    },
  };

  // Components for Dash to draw: texts stay texts.
  const element = (type, props) => ({ namespace: "dash_html_components", type, props });

  function popover(title, labels, links) {
    const facts = Object.entries(labels).map(([name, value]) => element("Li", { children: name + ": " + value }));
    const anchors = links.map(([text, href]) =>
      element("Li", {
        children: element("A", { children: text, href, target: "_blank", rel: "noopener noreferrer" }),
      })
    );
    return element("Div", {
      className: "popover",
      role: "dialog",
      "aria-label": title,
      children: [
        element("Button", { children: "×", className: "close", type: "button", title: "Close" }),
        element("Strong", { children: title }),
        element("Ul", { children: facts.concat(anchors) }),
      ],
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { preview: callbacks });

  // ---- clicks and keys ----

  const panelOf = (node) => Number(node.dataset.ofPanel);
  const choices = {};

  function choose(panel, change) {
    choices[panel] = Object.assign({}, choices[panel], change);
    setProps({ type: "choices", index: panel }, { data: choices[panel] });
  }

  function closeMenus(except) {
    document.querySelectorAll("details.picker[open]").forEach((menu) => {
      if (menu !== except) menu.open = false;
    });
  }

  function closePopover(panel) {
    setProps({ type: "popover", index: Number(panel.dataset.panelId) }, { children: null });
  }

  const handlers = [
    ["[data-from]", (node) => { setTimeRange(node.dataset.from, node.dataset.to); closeMenus(); }],
    ["#time-apply", () => {
      const [from, to] = ["time-from", "time-to"].map((id) => toUrlTime(document.getElementById(id).value));
      setTimeRange(from, to);
      closeMenus();
    }],
    ["#refresh-now", askAgain],
    ["#theme-button", () => navigate((next) => next.set("theme", next.get("theme") === "light" ? "dark" : "light"))],
    ["[data-series]", (node) => {
      const isolated = (choices[panelOf(node)] || {}).isolated;
      choose(panelOf(node), { isolated: isolated === node.dataset.series ? null : node.dataset.series });
    }],
    ["[data-sort-column]", (node) => choose(panelOf(node), { sort: [node.dataset.sortColumn, node.dataset.sortNext] })],
    [".popover .close", (node) => closePopover(node.closest(".panel"))],
  ];

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.picker"));
    for (const [selector, handle] of handlers) {
      const node = event.target.closest(selector);
      if (node) handle(node);
    }
    if (event.target.closest(".menu a")) closeMenus();
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "refresh-choice") {
      const chosen = event.target.value;
      navigate((next) => next.set("refresh", chosen));
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeMenus();
      document.querySelectorAll("details.exemplars[open]").forEach((list) => (list.open = false));
      document.querySelectorAll(".popover").forEach((node) => closePopover(node.closest(".panel")));
    }
    if (event.key === "Enter" && event.target.closest(".absolute")) document.getElementById("time-apply").click();
  });

  // ---- one time in all graphs ----

  // Pixels of the graph under the pointer, the time there, and the same time in the others.
  function timeUnder(plot, clientX) {
    const axis = plot._fullLayout && plot._fullLayout.xaxis;
    if (!axis || axis.type !== "date") return null;
    const pixel = clientX - plot.getBoundingClientRect().left - axis._offset;
    return pixel >= 0 && pixel <= axis._length ? axis.p2c(pixel) : null;
  }

  function markTime(plot, time) {
    const axis = plot._fullLayout && plot._fullLayout.xaxis;
    const pixel = time !== null && axis && axis.type === "date" ? axis.c2p(time) : -1;
    let line = plot.querySelector(":scope > .crosshair");
    if (pixel < 0 || pixel > axis._length) {
      if (line) line.remove();
      return;
    }
    if (!line) {
      line = document.createElement("div");
      line.className = "crosshair";
      plot.append(line);
    }
    const size = plot._fullLayout._size;
    Object.assign(line.style, { left: axis._offset + pixel + "px", top: size.t + "px", height: size.h + "px" });
  }

  let pointed;
  document.addEventListener("mousemove", (event) => {
    cancelAnimationFrame(pointed);
    pointed = requestAnimationFrame(() => {
      const under = event.target.closest && event.target.closest(".js-plotly-plot");
      const time = under ? timeUnder(under, event.clientX) : null;
      document.querySelectorAll(".js-plotly-plot").forEach((plot) => markTime(plot, plot === under ? null : time));
    });
  });

  // A panel whose answer never came (the network changed, the preview was restarted) is asked for again.
  setInterval(() => {
    const waiting = document.querySelector(".panel[data-state=loading]");
    if (waiting && !document.querySelector(".panel [data-dash-is-loading=true]")) askAgain();
  }, 5000);

  let resizing;
  window.addEventListener("resize", () => {
    clearTimeout(resizing);
    resizing = setTimeout(() => setProps("browser", { data: describeBrowser() }), 300);
  });

  showTheme();
})();
