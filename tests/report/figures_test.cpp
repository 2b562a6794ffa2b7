// Axes, drawings and data of figures, from numbers worked out by hand.

#include "onecycle/report.h"

#include "report/figures/figure_data.h"
#include "report/figures/gnuplot.h"
#include "report/figures/scale.h"
#include "report/page/text.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onecycle::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Figure figure_of(std::vector<double> x, std::vector<double> y) {
  Figure figure;
  figure.name = "loss";
  figure.title = "Loss";
  figure.x.label = "epoch";
  figure.y.label = "loss";
  PlotSeries series;
  series.label = "training";
  series.x = std::move(x);
  series.y = std::move(y);
  figure.series.push_back(std::move(series));
  return figure;
}

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> result;
  for (const Tick& tick : ticks) result.push_back(tick.label);
  return result;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

TEST(Ticks, AreRoundAndFew) {
  EXPECT_THAT(labels(linear_ticks(0, 1, 5)), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(linear_ticks(-3, 4, 4)), ElementsAre("-2", "0", "2", "4"));
  EXPECT_THAT(labels(linear_ticks(0, 40000, 5)), ElementsAre("0", "10k", "20k", "30k", "40k"));
  EXPECT_THAT(labels(log_ticks(1e-7, 10, 9)),
              ElementsAre("1e-7", "1e-6", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1", "10"));
  EXPECT_THAT(labels(log_ticks(1e-7, 10, 5)), ElementsAre("1e-7", "1e-5", "0.001", "0.1", "10"));
  EXPECT_THAT(labels(log_ticks(0.09, 11, 9)),
              ElementsAre("0.1", "0.2", "0.5", "1", "2", "5", "10"));
}

TEST(Scale, HoldsTheDataAndNothingElse) {
  const Figure figure = figure_of({0, 10}, {1, 3});
  EXPECT_DOUBLE_EQ(x_scale(figure, 5).low, 0);
  EXPECT_DOUBLE_EQ(x_scale(figure, 5).high, 10);
  EXPECT_DOUBLE_EQ(y_scale(figure, 5).low, 1 - 0.08);
  EXPECT_DOUBLE_EQ(y_scale(figure, 5).place(2), 0.5);
}

TEST(Scale, SurvivesWhatLossesDo) {
  const auto expect_sound = [](const Figure& figure) {
    for (const AxisScale& scale : {x_scale(figure, 6), y_scale(figure, 6)}) {
      EXPECT_LT(scale.low, scale.high);
      EXPECT_TRUE(std::isfinite(scale.high - scale.low));
      EXPECT_LE(scale.ticks.size(), 20U);
      for (const Tick& tick : scale.ticks) EXPECT_TRUE(std::isfinite(tick.value));
    }
    EXPECT_THAT(svg_document(figure), Not(HasSubstr("nan")));
    EXPECT_THAT(svg_document(figure), Not(HasSubstr("inf")));
    EXPECT_FALSE(terminal_plot(figure).empty());
    EXPECT_THAT(gnuplot_script(figure), Not(HasSubstr("inf")));
  };
  for (const bool logarithmic : {false, true}) {
    for (Figure figure :
         {figure_of({}, {}), figure_of({1}, {2}), figure_of({0, 0}, {0, 0}),
          figure_of({1, 2, 3, 4}, {NAN, INFINITY, -INFINITY, NAN}),
          figure_of({-3, -2, -1}, {-1e3, -5, 0}), figure_of({1, 2, 3}, {1e-300, 1e300, 1.7e308}),
          figure_of({1, 2}, {1e16, 1e16 + 2}), figure_of({1, 2}, {1e-140, 1e140})}) {
      figure.x.logarithmic = figure.y.logarithmic = logarithmic;
      expect_sound(figure);
    }
    Figure none;
    expect_sound(none);
  }
}

TEST(Svg, PlacesPointsWhereTheAxesSay) {
  Figure figure = figure_of({0, 5, 10}, {0, 1, 2});
  figure.y.low = 0;
  figure.y.high = 2;
  const std::string svg = svg_document(figure, 720, 340);
  // One row of legend: the box is 54 to 706 by 62 to 298.
  EXPECT_THAT(svg, HasSubstr(R"(data-box="54 62 706 298")"));
  EXPECT_THAT(svg, HasSubstr(R"(<path class="line c0" d="M54.0 298.0L380.0 180.0L706.0 62.0"/>)"));
}

TEST(Svg, DrawsTheRightAxisBesideTheLeft) {
  Figure figure = figure_of({0, 5, 10}, {0, 1, 2});
  figure.y.low = figure.right.low = 0;
  figure.y.high = 2;
  figure.right.high = 0.4;
  figure.right.label = "learning rate";
  PlotSeries rate;
  rate.label = "learning rate";
  rate.style = PlotSeries::Style::area;
  rate.right = true;
  rate.colour = 3;
  rate.x = {0, 5, 10};
  rate.y = {0.1, 0.4, 0};
  figure.series.push_back(rate);
  EXPECT_DOUBLE_EQ(y_scale(figure, 5).high, 2) << "the other axis' values are not its own";
  const std::string svg = svg_document(figure, 720, 340);
  // The box is 54 to 666 by 78 to 298: a quarter of its height above the lower edge, the upper
  // edge, the lower one.
  EXPECT_THAT(svg, HasSubstr(R"(data-box="54 78 666 298")"));
  EXPECT_THAT(svg, HasSubstr(R"(data-right="0 0.40)"));
  const std::size_t area =
      svg.find(R"(<path class="area c3" d="M54.0 298L54.0 243.0L360.0 78.0L666.0 298.0V298")");
  ASSERT_NE(area, std::string::npos);
  EXPECT_LT(area, svg.rfind(R"(<path class="line c0")")) << "it lies behind";
  EXPECT_THAT(terminal_plot(figure), Not(HasSubstr("learning rate")));
  EXPECT_THAT(gnuplot_script(figure), HasSubstr("using 1:2 axes x1y2 with filledcurves"));
  EXPECT_TRUE(nlohmann::json::parse(figure_json(figure))["series"][1]["right"].get<bool>());
}

TEST(Svg, BreaksTheCurveAtWhatIsNotANumber) {
  const std::string svg = svg_document(figure_of({0, 1, 2, 3, 4}, {1, 2, NAN, 2, 1}));
  const std::size_t begin = svg.find("class=\"line c0\" d=\"", svg.find("<g clip-path"));
  const std::string path = svg.substr(begin, svg.find("/>", begin) - begin);
  EXPECT_EQ(count(path, "M"), 2U);
  EXPECT_EQ(count(path, "L"), 2U);
}

TEST(Svg, SaysSoWhereThereIsNothing) {
  EXPECT_THAT(svg_document(figure_of({}, {})), HasSubstr(">no data<"));
  EXPECT_THAT(svg_document(figure_of({1}, {2})), HasSubstr("h0"));  // one point: a dot
  EXPECT_THAT(svg_document(figure_of({0, 1, 2}, {2, NAN, 1})),
              HasSubstr("<path class=\"points c0\""))
      << "as large as one of a cloud: a line's width is hardly seen";
}

TEST(Svg, EscapesTexts) {
  Figure figure = figure_of({0, 1}, {0, 1});
  figure.title = figure.x.label = figure.series[0].label = "a</svg><script>\"'&";
  figure.marks.push_back({"<b>", 0.5, 0.5, true});
  const std::string svg = svg_document(figure);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_EQ(count(svg, "</svg>"), 1U);
}

TEST(Data, CsvAndJsonHoldEveryPoint) {
  Figure figure = figure_of({0, 1}, {0.5, NAN});
  figure.series[0].label = "a \"b\", c";
  figure.series[0].low = {0.25, 0};
  figure.series[0].high = {1, 0};
  EXPECT_EQ(figure_csv(figure),
            "series,x,y,low,high\n\"a \"\"b\"\", c\",0,0.5,0.25,1\n\"a \"\"b\"\", c\",1,,0,0\n");
  const auto json = nlohmann::json::parse(figure_json(figure));
  EXPECT_EQ(json["series"][0]["y"], (nlohmann::json{0.5, nullptr}));
}

TEST(Data, ThinningKeepsEndsAndSpikes) {
  PlotSeries series;
  for (int i = 0; i < 10000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 5432 ? 99 : i == 1234 ? -99 : 1);
  }
  const PlotSeries thin = thinned(series, 200);
  EXPECT_LE(thin.x.size(), 220U);
  EXPECT_EQ(thin.x.front(), 0);
  EXPECT_EQ(thin.x.back(), 9999);
  EXPECT_TRUE(std::is_sorted(thin.x.begin(), thin.x.end()));
  EXPECT_EQ(*std::max_element(thin.y.begin(), thin.y.end()), 99);
  EXPECT_EQ(*std::min_element(thin.y.begin(), thin.y.end()), -99);
}

TEST(Text, NumbersAreForPeople) {
  EXPECT_EQ(human_number(0), "0");
  EXPECT_EQ(human_number(0.1), "0.1");
  EXPECT_EQ(human_number(37.805), "37.8");
  EXPECT_EQ(human_number(-0.0123456), "-0.01235");
  EXPECT_EQ(human_number(1.29e-5), "1.29e-5");
  EXPECT_EQ(human_number(60000), "60,000");
  EXPECT_EQ(human_number(-1234567), "-1,234,567");
  EXPECT_EQ(human_number(1e300), "1e300");
  EXPECT_EQ(human_number(NAN), "–");
  EXPECT_EQ(human_percent(0.88712), "88.71 %");
  EXPECT_EQ(human_seconds(3725), "1 h 2 min");
  EXPECT_EQ(human_seconds(59.7), "1 min 0 s");
}

TEST(Terminal, DrawsWithinItsColumns) {
  Figure figure = figure_of({1e-6, 1e-3, 1}, {2.3, 1, 3});
  figure.x.logarithmic = true;
  figure.series[0].label = std::string(200, 'x') + "\x1b[31m\n";
  figure.marks.push_back({"lr_max 0.001", 1e-3, 1, true});
  for (const int columns : {30, 80, 200}) {
    const std::string plot = terminal_plot(figure, columns);
    EXPECT_THAT(plot, HasSubstr("●"));
    EXPECT_THAT(plot, HasSubstr("│ lr_max 0.001\n"));
    EXPECT_EQ(plot.find('\x1b'), std::string::npos);
    std::istringstream lines(plot);
    for (std::string line; std::getline(lines, line);) {
      const auto cells = std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      });
      EXPECT_LE(cells, columns) << line;
    }
  }
}

}  // namespace
}  // namespace onecycle::testing
