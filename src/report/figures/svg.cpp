// Written here and not by gnuplot: the page's script needs the exact box and ranges of each plot,
// and the page a second, narrow drawing with text of the same size.

#include "report/figures/svg.h"

#include "core/text/format.h"
#include "report/figures/figure_data.h"
#include "report/figures/scale.h"
#include "report/page/text.h"

#include <algorithm>
#include <cmath>

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
.plot .area{stroke-width:1;stroke-opacity:.5;fill-opacity:.13}
.plot .band{stroke:none!important;fill-opacity:.18}
.plot .mark path{stroke:var(--muted);stroke-dasharray:2 4;fill:none}
.plot .mark circle{fill:var(--muted);stroke:var(--paper)}
.plot .mark.strong path{stroke:var(--text);stroke-dasharray:5 3}
.plot .mark.strong circle{fill:var(--text);stroke:var(--paper);stroke-width:2}
.plot .mark text{fill:var(--text);font-weight:600;paint-order:stroke;stroke:var(--paper);
stroke-width:4px;stroke-linejoin:round}
)";

// From the middle of the left end on, 20 units long.
const char* key_path(PlotSeries::Style style) {
  if (style == PlotSeries::Style::area) return "m0 4v-8h20v8";
  return is_line(style) ? "h20" : "h0m9 0h0m9 0h0";
}

}  // namespace

int legend_height(const Figure& figure, int width) {
  const auto entries = placed(figure, width);
  return entries.empty() ? 0 : kRow * (entries.back().row + 1);
}

std::string svg_legend(const Figure& figure, int width, int y) {
  std::string text;
  for (const Entry& entry : placed(figure, width)) {
    const int base = y + 6 + kRow * entry.row;
    text +=
        format(R"(<path class="{} c{}" d="M{:.0f} {}{}"/><text x="{:.0f}" y="{}">{}</text>)",
               name_of(entry.series->style), entry.series->colour, entry.x + 4, base - 4,
               key_path(entry.series->style), entry.x + kKey, base, escaped(entry.series->label));
  }
  return text + "\n";
}

std::string plot_style() {
  std::string text = format(
      ":root{{color-scheme:light dark;{}}}\n"
      "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}{}",
      kLight, kDark, kClasses);
  for (int i = 0; i < 6; ++i)
    text += format(
        ".plot .c{0}{{stroke:var(--c{0})}}.plot :is(.band,.area).c{0}{{fill:var(--c{0})}}\n", i);
  return text;
}

namespace {

constexpr std::size_t kMostDrawnPoints = 800;  // of a series
constexpr int kTextHeight = 16;
constexpr double kBoldGlyph = 6.8;  // an estimate of a bold character's width

class Drawing {
 public:
  Drawing(const Figure& figure, const SvgOptions& options)
      : figure_(figure), options_(options), top_(options.standalone ? 44 : 26) {
    const int legend = options.standalone ? legend_height(figure, options.width) : 0;
    top_ += legend;
    has_right_ = has_right(figure);
    if (has_right_) top_ += kTextHeight;  // a row for what is marked, under the axes' names
    x_ = x_scale(figure, std::max(2, (right() - left()) / 62));
    y_ = y_scale(figure, std::max(2, (bottom() - top_) / 44));
    right_ = right_scale(figure, std::max(2, (bottom() - top_) / 44));
    id_ = figure.name + "-" + options.form;
  }

  std::string text() {
    out_ = format(
        R"(<svg xmlns="http://www.w3.org/2000/svg" class="plot {}" viewBox="0 0 {} {}" role="img" )"
        R"(aria-label="{}" data-box="{} {} {} {}" data-x="{:.17g} {:.17g} {:d}" )"
        R"(data-y="{:.17g} {:.17g} {:d}")"
        "{}{}>\n",
        options_.form, options_.width, options_.height, escaped(figure_.title), left(), top_,
        right(), bottom(), x_.low, x_.high, x_.logarithmic, y_.low, y_.high, y_.logarithmic,
        has_right_ ? format(R"( data-right="{:.17g} {:.17g} {:d}")", right_.low, right_.high,
                            right_.logarithmic)
                   : "",
        options_.standalone ? "" : R"( tabindex="0")");
    if (options_.standalone) draw_heading();
    draw_axes();
    out_ +=
        format(R"(<clipPath id="clip-{}"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>)"
               R"svg(<g clip-path="url(#clip-{})">)svg",
               id_, left(), top_, right() - left(), bottom() - top_, id_);
    bool any = false;
    for (const bool behind : {true, false})
      for (const PlotSeries& series : figure_.series)
        if ((series.style == PlotSeries::Style::area) == behind)
          any |= draw(thinned(series, kMostDrawnPoints));
    out_ += "</g>\n";
    if (!any) draw_text("tick", (left() + right()) / 2, (top_ + bottom()) / 2, "middle", "no data");
    for (const PlotMark& mark : figure_.marks) draw(mark);
    return out_ + "</svg>\n";
  }

 private:
  int left() const { return 54; }
  int right() const { return options_.width - (has_right_ ? 54 : 14); }
  int bottom() const { return options_.height - 42; }
  double at_x(double value) const {
    return left() + std::clamp(x_.place(value), -2.0, 3.0) * (right() - left());
  }
  double at_y(double value) const { return at(y_, value); }
  double at(const AxisScale& axis, double value) const {
    return bottom() - std::clamp(axis.place(value), -2.0, 3.0) * (bottom() - top_);
  }

  void draw_text(const char* type, double x, double y, const char* anchor,
                 const std::string& text) {
    out_ += format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", type, x,
                   y, anchor, escaped(text));
  }

  void draw_heading() {
    out_ += "<style>" + plot_style() + "</style>\n";
    out_ +=
        format(R"(<rect class="paper" width="{}" height="{}"/>)", options_.width, options_.height);
    draw_text("heading", 14, 22, "start", figure_.title);
    out_ += svg_legend(figure_, options_.width, 38);
  }

  void draw_axes() {
    out_ += R"(<g class="grid">)";
    for (const Tick& tick : x_.ticks)
      out_ += format(R"(<path d="M{:.1f} {}V{}"/>)", at_x(tick.value), top_, bottom());
    for (const Tick& tick : y_.ticks)
      out_ += format(R"(<path d="M{} {:.1f}H{}"/>)", left(), at_y(tick.value), right());
    out_ +=
        format("</g>\n<path class=\"frame\" d=\"M{} {}V{}H{}\"/>", left(), top_, bottom(), right());
    for (const Tick& tick : x_.ticks)
      draw_text("tick", at_x(tick.value), bottom() + kTextHeight, "middle", tick.label);
    for (const Tick& tick : y_.ticks)
      draw_text("tick", left() - 7, at_y(tick.value) + 4, "end", tick.label);
    draw_text("label", (left() + right()) / 2.0, options_.height - 8, "middle", figure_.x.label);
    const int names = top_ - 11 - (has_right_ ? kTextHeight : 0);
    draw_text("label", 8, names, "start", figure_.y.label);
    if (has_right_) {
      for (const Tick& tick : right_.ticks)
        draw_text("tick", right() + 7, at(right_, tick.value) + 4, "start", tick.label);
      draw_text("label", options_.width - 8, names, "end", figure_.right.label);
    }
    out_ += '\n';
  }

  const AxisScale& axis_of(const PlotSeries& series) const { return series.right ? right_ : y_; }
  bool is_drawn(const PlotSeries& series, std::size_t i) const {
    return x_.shows(series.x[i]) && axis_of(series).shows(series.y[i]);
  }

  bool draw(const PlotSeries& series) {
    draw_band(series);
    const bool line = is_line(series.style);
    const bool area = series.style == PlotSeries::Style::area;
    std::string path;
    std::string dots;  // of a line: points without a neighbour
    int connected = 0;
    bool any = false;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!is_drawn(series, i)) {
        connected = 0;
        continue;
      }
      const bool alone = connected == 0 && (i + 1 == series.x.size() || !is_drawn(series, i + 1));
      if (area && connected == 0) path += format("M{:.1f} {}", at_x(series.x[i]), bottom());
      std::string& drawn = line && !area && alone ? dots : path;
      drawn += format("{}{:.1f} {:.1f}", area || (line && connected > 0) ? "L" : "M",
                      at_x(series.x[i]), at(axis_of(series), series.y[i]));
      const bool ends = i + 1 == series.x.size() || !is_drawn(series, i + 1);
      if (area && ends) path += format("V{}", bottom());
      if (!line || (alone && !area)) drawn += "h0";  // a round dot
      ++connected;
      any = true;
    }
    if (!path.empty())
      out_ +=
          format("<path class=\"{} c{}\" d=\"{}\"/>\n", name_of(series.style), series.colour, path);
    if (!dots.empty())
      out_ += format("<path class=\"points c{}\" d=\"{}\"/>\n", series.colour, dots);
    return any;
  }

  void draw_band(const PlotSeries& series) {
    std::string upper;
    std::string lower;
    for (std::size_t i = 0; i <= series.low.size(); ++i) {
      if (i < series.low.size() && x_.shows(series.x[i]) && y_.shows(series.low[i]) &&
          y_.shows(series.high[i])) {
        upper += format("{}{:.1f} {:.1f}", upper.empty() ? "M" : "L", at_x(series.x[i]),
                        at_y(series.high[i]));
        lower = format("L{:.1f} {:.1f}", at_x(series.x[i]), at_y(series.low[i])) + lower;
      } else if (!upper.empty()) {
        out_ += format("<path class=\"band c{}\" d=\"{}{}Z\"/>\n", series.colour, upper, lower);
        upper.clear();
        lower.clear();
      }
    }
  }

  // Above the plot; to the left of its place where the right has no room before the next one, and
  // lower where the one before it is written there.
  void draw_label(const PlotMark& mark, double x) {
    double room = options_.width - x;
    for (const PlotMark& other : figure_.marks)
      if (other.strong && x_.shows(other.x) && at_x(other.x) > x)
        room = std::min(room, at_x(other.x) - x);
    const double length = 8 + kBoldGlyph * static_cast<double>(mark.label.size());
    const bool flipped = room < length;
    bool crowded = false;
    for (const PlotMark& other : figure_.marks)
      crowded = crowded || (other.strong && x_.shows(other.x) && at_x(other.x) < x &&
                            x - at_x(other.x) < 2 * length);
    draw_text("", x + (flipped ? -3 : 3), flipped && crowded ? top_ + 14 : top_ - 6,
              flipped ? "end" : "start", mark.label);
  }

  void draw(const PlotMark& mark) {
    if (!x_.shows(mark.x) || x_.place(mark.x) < -1e-9 || x_.place(mark.x) > 1 + 1e-9) return;
    const double x = at_x(mark.x);
    const bool has_dot = y_.shows(mark.y) && y_.place(mark.y) >= 0 && y_.place(mark.y) <= 1;
    out_ += format(R"(<g class="{}"><title>{}</title>)", mark.strong ? "mark strong" : "mark",
                   escaped(mark.label));
    if (mark.strong || !has_dot) out_ += format(R"(<path d="M{:.1f} {}V{}"/>)", x, top_, bottom());
    if (has_dot)
      out_ += format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}"/>)", x, at_y(mark.y),
                     mark.strong ? 5 : 3.5);
    if (mark.strong) draw_label(mark, x);
    out_ += "</g>\n";
  }

  const Figure& figure_;
  const SvgOptions& options_;
  int top_;
  AxisScale x_;
  AxisScale y_;
  AxisScale right_;
  bool has_right_ = false;
  std::string id_;
  std::string out_;
};

}  // namespace

std::string svg_element(const Figure& figure, const SvgOptions& options) {
  return Drawing(figure, options).text();
}

std::string svg_document(const Figure& figure, int width, int height) {
  SvgOptions options;
  options.width = width;
  options.height = height;
  options.standalone = true;
  return svg_element(figure, options);
}

}  // namespace onecycle
