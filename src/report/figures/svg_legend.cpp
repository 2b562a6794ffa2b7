#include "report/figures/svg_legend.h"

#include "core/text/format.h"
#include "report/figures/figure_data.h"
#include "report/figures/svg.h"
#include "report/page/text.h"

namespace onecycle {

namespace {

constexpr int kRow = 18;
constexpr int kKey = 30;        // room for the line before a name
constexpr double kGlyph = 6.6;  // an estimate of a character's width, on the wide side

struct Entry {
  const PlotSeries* series;
  double x;
  int row;
};

std::vector<Entry> placed(const Figure& figure, int width) {
  std::vector<Entry> entries;
  double x = 14;
  int row = 0;
  for (const PlotSeries& series : figure.series) {
    const double needed = kKey + kGlyph * static_cast<double>(series.label.size()) + 18;
    if (x > 14 && x + needed > width) ++row, x = 14;
    entries.push_back({&series, x, row});
    x += needed;
  }
  return entries;
}

constexpr const char* kLight =
    "--paper:#fff;--text:#1c2024;--muted:#5d6670;--grid:#e4e7eb;--frame:#9aa3ad;"
    "--c0:#1f6fd0;--c1:#d4570a;--c2:#0d8a63;--c3:#8b3fc4;--c4:#a87900;--c5:#c2255c;";
constexpr const char* kDark =
    "--paper:#16191d;--text:#e6e9ec;--muted:#a3acb6;--grid:#2b3138;--frame:#6b7580;"
    "--c0:#6aa8f7;--c1:#f59a55;--c2:#46c79a;--c3:#c493f0;--c4:#e0b93f;--c5:#f27ba2;";

constexpr const char* kClasses = R"(
.plot text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--muted)}
.plot .heading{font-size:15px;font-weight:600;fill:var(--text)}
.plot .paper{fill:var(--paper)}
.plot .grid path{stroke:var(--grid);fill:none}
.plot .frame{stroke:var(--frame);fill:none}
.plot :is(.line,.dashed,.faint-line,.points,.faint-points){fill:none;stroke-width:2;
stroke-linejoin:round;stroke-linecap:round}
.plot .dashed{stroke-dasharray:7 5;stroke-width:1.6}
.plot .faint-line{stroke-width:1.2;stroke-opacity:.45}
.plot .points{stroke-width:6}
.plot .faint-points{stroke-width:4;stroke-opacity:.4}
.plot .band{stroke:none!important;fill-opacity:.18}
.plot .mark path{stroke:var(--muted);stroke-dasharray:2 4;fill:none}
.plot .mark circle{fill:var(--muted);stroke:var(--paper)}
.plot .mark.strong path{stroke:var(--text);stroke-dasharray:5 3}
.plot .mark.strong circle{fill:var(--text);stroke:var(--paper);stroke-width:2}
.plot .mark text{fill:var(--text);font-weight:600;paint-order:stroke;stroke:var(--paper);
stroke-width:4px;stroke-linejoin:round}
)";

}  // namespace

int legend_height(const Figure& figure, int width) {
  const auto entries = placed(figure, width);
  return entries.empty() ? 0 : kRow * (entries.back().row + 1);
}

std::string svg_legend(const Figure& figure, int width, int y) {
  std::string text;
  for (const Entry& entry : placed(figure, width)) {
    const int base = y + 6 + kRow * entry.row;
    text += format(R"(<path class="{} c{}" d="M{:.0f} {}{}"/><text x="{:.0f}" y="{}">{}</text>)",
                   name_of(entry.series->style), entry.series->colour, entry.x + 4, base - 4,
                   is_line(entry.series->style) ? "h20" : "h0m9 0h0m9 0h0", entry.x + kKey, base,
                   escaped(entry.series->label));
  }
  return text + "\n";
}

std::string plot_style() {
  std::string text = format(
      ":root{{color-scheme:light dark;{}}}\n"
      "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}{}",
      kLight, kDark, kClasses);
  for (int i = 0; i < 6; ++i)
    text += format(".plot .c{0}{{stroke:var(--c{0})}}.plot .band.c{0}{{fill:var(--c{0})}}\n", i);
  return text;
}

}  // namespace onecycle
