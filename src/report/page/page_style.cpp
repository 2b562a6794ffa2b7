#include "report/page/page.h"

namespace onecycle {

const char* const kPageStyle = R"(
:root{--panel:#f5f7f9;--warn:#8a4b00;--warn-panel:#fff4e0}
@media screen and (prefers-color-scheme:dark){:root{--panel:#1e2328;--warn:#f5c27a;--warn-panel:#33270f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1180px;padding:1rem clamp(.75rem,3vw,2rem) 3rem;background:var(--paper);
color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0 0;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:0 0 .25rem}
.subtitle,.note,figcaption{color:var(--muted);font-size:.875rem;margin:.15rem 0;overflow-wrap:anywhere}
.answer{font-size:1.3rem;line-height:1.3;font-weight:600;max-width:60ch;margin:.9rem 0 .5rem;
overflow-wrap:anywhere}
.next{margin:.5rem 0 1rem}
.next div{display:flex;flex-wrap:wrap;gap:.1rem .75rem;align-items:baseline;margin:.3rem 0}
.next dt{flex:none;max-width:100%}
.next dd{font-weight:400;min-width:0}
code{font:.85rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace;background:var(--panel);
border-radius:4px;padding:.15rem .4rem;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all;
display:inline-block;max-width:100%}
.words{font-size:1.05rem;max-width:70ch;margin:.6rem 0;overflow-wrap:anywhere}
.warning{background:var(--warn-panel);color:var(--warn);border-left:4px solid currentColor;
padding:.5rem .75rem;margin:.75rem 0;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:.6rem;margin:1rem 0}
.facts div{background:var(--panel);border-radius:6px;padding:.5rem .75rem;min-width:0}
dt{color:var(--muted);font-size:.8rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.machine div{display:flex;gap:1rem;flex-wrap:wrap;margin:.2rem 0}
.machine{margin:0}
.machine dt{min-width:7rem;font-size:.9rem}
.machine dd{font-weight:400}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));
gap:1.75rem 1.5rem;margin:1.5rem 0}
figure{margin:0;min-width:0;break-inside:avoid}
figure:only-child{max-width:640px}
.drawing{position:relative}
.plot{display:block;width:100%;height:auto}
.plot.narrow{display:none}
.plot:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:0;padding:0;font-size:.875rem}
.legend li{display:flex;align-items:center;gap:.35rem;min-width:0}
.plot.key{display:inline-block;width:24px;height:10px;flex:none}
.files a{color:inherit;margin-left:.3rem}
.plot .hair{stroke:var(--text);stroke-opacity:.55;fill:none}
.plot .dot{stroke:var(--paper);stroke-width:1.5}
.tip{position:absolute;top:0;left:0;pointer-events:none;background:var(--paper);color:var(--text);
border:1px solid var(--frame);border-radius:6px;padding:.3rem .55rem;font-size:.8rem;line-height:1.45;
max-width:min(16rem,75%);box-shadow:0 2px 8px #0003;font-variant-numeric:tabular-nums;z-index:1}
.tip b{display:block;font-weight:600}
.tip span{display:flex;gap:.75rem;justify-content:space-between}
.tip i{font-style:normal;color:var(--muted)}
section{margin:2rem 0}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap;
vertical-align:top}
th{color:var(--muted);font-weight:500;white-space:normal;vertical-align:bottom}
th:first-child,td:first-child{padding-left:0}
.text{text-align:left}
td.text{white-space:normal;min-width:5rem}
td.text:last-child{min-width:min(14rem,40vw);overflow-wrap:anywhere}
td.text:first-child{min-width:7rem}
.matrix th,.matrix td{padding:.25rem .4rem;text-align:center;border:1px solid var(--paper)}
.matrix th[scope=row]{text-align:right;position:sticky;left:0;background:var(--paper);z-index:1}
.matrix th[scope=col] span{writing-mode:vertical-rl;transform:rotate(180deg)}
.matrix thead th{vertical-align:bottom}
.matrix td{min-width:2.6rem;background:color-mix(in srgb,var(--shade) var(--s),var(--panel))}
.matrix.many{width:100%;min-width:560px;table-layout:fixed;font-size:.7rem}
.matrix.many th,.matrix.many td{padding:.1rem;min-width:0;overflow:hidden}
.matrix.many th:first-child{width:6rem;overflow:hidden;text-overflow:ellipsis}
.matrix.many td{height:1.4rem}
.matrix .right{--shade:var(--c2)}
.matrix .wrong{--shade:var(--c1)}
.gallery{list-style:none;margin:.75rem 0;padding:0;display:grid;
grid-template-columns:repeat(auto-fill,minmax(118px,1fr));gap:1rem .75rem}
.gallery li{display:flex;flex-direction:column;font-size:.8rem;line-height:1.35;min-width:0;
overflow-wrap:anywhere;color:var(--muted)}
.gallery li span:first-of-type{color:var(--text);font-weight:600}
.gallery img{width:100%;aspect-ratio:1;object-fit:contain;background:var(--panel);border-radius:4px;
image-rendering:pixelated;margin-bottom:.3rem}
pre{background:var(--panel);border-radius:6px;padding:.75rem;margin:0;white-space:pre-wrap;
overflow-wrap:anywhere;
font:.82rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
details{margin-top:.6rem}
summary{cursor:pointer;color:var(--muted);font-size:.875rem;margin-bottom:.4rem}
@media (max-width:620px){.plot.wide{display:none}.plot.narrow{display:block}}
@media print{body{max-width:none;padding:0;font-size:11pt}.files,.tip{display:none}
.scroll{overflow:visible}.facts div,pre{border:1px solid var(--grid)}
.figures{grid-template-columns:1fr 1fr}.plot.wide{display:block}.plot.narrow{display:none}}
)";

}  // namespace onecycle
