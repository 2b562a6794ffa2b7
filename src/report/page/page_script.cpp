#include "report/page/page.h"

namespace onecycle {

const char* const kPageScript = R"js(
'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const numbers = text => text.split(' ').map(Number);

  function shown(value) {
    const size = Math.abs(value);
    if (size === 0) return '0';
    if (size >= 1e7 || size < 1e-4) return value.toExponential(2).replace('+', '');
    if (size >= 1000) return Math.round(value).toLocaleString('en');
    return String(Number(value.toPrecision(4)));
  }

  function axis(text, from, to) {
    const [low, high, logarithmic] = numbers(text);
    const f = logarithmic ? Math.log : v => v;
    const span = f(high) - f(low);
    return {
      place: v => from + (f(v) - f(low)) / span * (to - from),
      value: p => { const v = f(low) + (p - from) / (to - from) * span;
                    return logarithmic ? Math.exp(v) : v; },
      has: v => v !== null && (!logarithmic || v > 0),
    };
  }

  function element(parent, name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    parent.append(made);
    return made;
  }

  function watch(svg, data, tip) {
    const [left, top, right, bottom] = numbers(svg.dataset.box);
    const x = axis(svg.dataset.x, left, right);
    const left_axis = axis(svg.dataset.y, bottom, top);
    const right_axis = svg.dataset.right && axis(svg.dataset.right, bottom, top);
    const lines = data.series.filter(s => !s.style.startsWith('faint'));
    const hovered = lines.length ? lines : data.series;
    const stops = [...new Set(hovered.flatMap(s => s.x.filter((v, i) =>
        x.has(v) && s.y[i] !== null)))].sort((a, b) => a - b);
    let layer = null;
    let current = -1;

    function hide() {
      if (layer) layer.remove();
      layer = null;
      tip.hidden = true;
    }

    function nearest(series, at) {
      let best = -1;
      let distance = 12;
      series.x.forEach((v, i) => {
        if (!x.has(v) || series.y[i] === null) return;
        const d = Math.abs(x.place(v) - at);
        if (d < distance) { distance = d; best = i; }
      });
      return best;
    }

    function row(name, value) {
      const line = document.createElement('span');
      const label = document.createElement('i');
      label.textContent = name;
      line.append(label, value);
      tip.append(line);
    }

    function show(index) {
      hide();
      if (!stops.length) return;
      current = Math.max(0, Math.min(stops.length - 1, index));
      const at = x.place(stops[current]);
      layer = element(svg, 'g', {'class': 'hover'});
      element(layer, 'path', {'class': 'hair', d: `M${at} ${top}V${bottom}`});
      tip.replaceChildren();
      const head = document.createElement('b');
      head.textContent = data.x.label + ' ' + shown(stops[current]);
      tip.append(head);
      for (const series of hovered) {
        const i = nearest(series, at);
        if (i < 0) continue;
        let text = shown(series.y[i]);
        if (series.low && series.low[i] !== null && series.high[i] !== null)
          text += ` (${shown(series.low[i])} to ${shown(series.high[i])})`;
        row(series.label, text);
        const y = series.right ? right_axis : left_axis;
        const cy = y.has(series.y[i]) ? y.place(series.y[i]) : NaN;
        if (cy >= top && cy <= bottom)
          element(layer, 'circle', {'class': 'dot', cx: x.place(series.x[i]), cy, r: 4,
                                    style: `fill:var(--c${series.colour})`});
      }
      tip.hidden = false;
      const scale = svg.clientWidth / svg.viewBox.baseVal.width;
      const room = svg.clientWidth - tip.offsetWidth;
      const beside = at * scale + 12 > room ? at * scale - tip.offsetWidth - 12 : at * scale + 12;
      tip.style.transform =
          `translate(${Math.max(0, Math.min(room, beside))}px,${top * scale}px)`;
    }

    function stop_near(event) {
      const box = svg.getBoundingClientRect();
      const at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      let best = -1;
      let distance = Infinity;
      stops.forEach((v, i) => {
        const d = Math.abs(x.place(v) - at);
        if (d < distance) { distance = d; best = i; }
      });
      return best;
    }

    svg.addEventListener('pointermove', event => show(stop_near(event)));
    svg.addEventListener('pointerdown', event => show(stop_near(event)));
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (event.key === 'Escape') hide();
      if (!step) return;
      event.preventDefault();
      show(current < 0 ? 0 : current + step);
    });
  }

  for (const figure of document.querySelectorAll('figure')) {
    const data = JSON.parse(figure.querySelector('script').textContent);
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.setAttribute('role', 'status');
    tip.hidden = true;
    figure.querySelector('.drawing').append(tip);
    for (const svg of figure.querySelectorAll('.drawing > svg')) watch(svg, data, tip);
  }
})();
)js";

}  // namespace onecycle
