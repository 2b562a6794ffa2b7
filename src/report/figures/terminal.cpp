#include "onecycle/report.h"

#include "core/text/format.h"
#include "report/figures/figure_data.h"
#include "report/figures/scale.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr int kRows = 16;
constexpr int kLabels = 9;  // cells left of the frame
constexpr const char* kGlyphs[] = {"●", "○", "▲", "△", "■", "□"};
constexpr const char* kFaint = "·";

// The beginning of a text, at most `cells` characters of UTF-8, without control characters.
std::string shortened(const std::string& text, int cells) {
  std::string result;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && cells-- <= 0) break;
    result += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  }
  return result;
}

class Screen {
 public:
  Screen(const Figure& figure, int columns)
      : figure_(figure),
        width_(std::max(10, columns - kLabels - 2)),
        x_(x_scale(figure, std::max(2, width_ / 12))),
        y_(y_scale(figure, 5)),
        cells_(kRows, std::vector<std::string>(static_cast<std::size_t>(width_), " ")) {}

  std::string text() {
    for (const PlotMark& mark : figure_.marks)
      if (mark.strong && x_.shows(mark.x))
        for (int row = 0; row < kRows; ++row) put(row, column(mark.x), "│");
    for (const bool faint : {true, false})
      for (const PlotSeries& series : figure_.series)
        if (is_faint(series) == faint && !series.right) draw(series);
    std::string text = shortened(figure_.title, width_ + kLabels) + "\n";
    for (int row = 0; row < kRows; ++row) {
      text += format("{:>{}} │", label_of(row), kLabels - 1);
      for (const std::string& cell : cells_[static_cast<std::size_t>(row)]) text += cell;
      text.erase(text.find_last_not_of(' ') + 1);
      text += "\n";
    }
    return text + axis() + legend();
  }

 private:
  static bool is_faint(const PlotSeries& series) {
    return series.style == PlotSeries::Style::faint_points ||
           series.style == PlotSeries::Style::faint_line;
  }
  int column(double value) const {
    return static_cast<int>(std::lround(std::clamp(x_.place(value), -1.0, 2.0) * (width_ - 1)));
  }
  int row(double value) const {
    return kRows - 1 -
           static_cast<int>(std::lround(std::clamp(y_.place(value), -1.0, 2.0) * (kRows - 1)));
  }
  void put(int row, int column, const char* glyph) {
    if (row < 0 || row >= kRows || column < 0 || column >= width_) return;
    cells_[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = glyph;
  }

  void draw(const PlotSeries& series) {
    const char* glyph = is_faint(series) ? kFaint : kGlyphs[std::clamp(series.colour, 0, 5)];
    for (std::size_t i = 0; i < series.x.size(); ++i)
      if (x_.shows(series.x[i]) && y_.shows(series.y[i]))
        put(row(series.y[i]), column(series.x[i]), glyph);
  }

  std::string label_of(int wanted) const {
    for (const Tick& tick : y_.ticks)
      if (row(tick.value) == wanted) return tick.label;
    return "";
  }

  std::string axis() const {
    std::string line(static_cast<std::size_t>(width_), ' ');
    int free_from = 0;
    for (const Tick& tick : x_.ticks) {
      const int size = static_cast<int>(tick.label.size());
      const int begin = std::clamp(column(tick.value) - size / 2, 0, std::max(0, width_ - size));
      if (begin < free_from || begin + size > width_) continue;
      line.replace(static_cast<std::size_t>(begin), tick.label.size(), tick.label);
      free_from = begin + size + 1;
    }
    std::string rule;
    for (int i = 0; i < width_; ++i) rule += "─";
    return format("{:>{}} └{}\n{:>{}}  {}\n", "", kLabels - 1, rule, "", kLabels - 1,
                  line.substr(0, line.find_last_not_of(' ') + 1));
  }

  std::string legend() const {
    const int room = width_ + kLabels;
    std::string text = "  x: " + shortened(figure_.x.label, room - 5) + "\n";
    for (const PlotSeries& series : figure_.series)
      if (!series.right)  // there is one axis here
        text += format("  {} {}\n",
                       is_faint(series) ? kFaint : kGlyphs[std::clamp(series.colour, 0, 5)],
                       shortened(series.label, room - 4));
    for (const PlotMark& mark : figure_.marks)
      if (mark.strong) text += format("  │ {}\n", shortened(mark.label, room - 4));
    return text;
  }

  const Figure& figure_;
  int width_;
  AxisScale x_;
  AxisScale y_;
  std::vector<std::vector<std::string>> cells_;
};

}  // namespace

std::string terminal_plot(const Figure& figure, int columns) {
  return Screen(figure, columns).text();
}

}  // namespace onecycle
