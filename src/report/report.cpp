#include "onecycle/report.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "report/figures/figure_data.h"
#include "report/figures/gnuplot.h"
#include "report/page/content.h"
#include "report/page/page.h"

#include <filesystem>
#include <iterator>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".html";

void check_page_name(const std::string& page) {
  if (!page.ends_with(kEnding) || fs::path(page).stem().empty() || fs::is_directory(page))
    throw UsageError(page + ": the report's name must end in .html");
}

void write_data(const Figure& figure, const std::string& base) {
  write_file_atomically(base + ".csv", {figure_csv(figure)});
  write_file_atomically(base + ".json", {figure_json(figure), "\n"});
  write_file_atomically(base + ".svg", {svg_document(figure)});
}

// The first failure ends the attempts: it is gnuplot's, not the figure's. Returns it.
std::string write_pngs(const std::vector<Figure>& figures, const std::string& files,
                       const ReportOptions& options) {
  const auto tell = [&](std::int64_t drawn) {
    if (options.drawing) options.drawing(drawn, std::ssize(figures));
  };
  std::int64_t drawn = 0;
  for (const Figure& figure : figures) {
    tell(drawn++);
    const ProgramResult png = draw_png(figure, options.gnuplot);
    if (!png.failure.empty()) return png.failure;
    write_file_atomically(files + "/" + figure.name + ".png", {png.out});
  }
  if (drawn > 0) tell(drawn);
  return "";
}

}  // namespace

Report write_report(const std::string& folder, const ReportOptions& options) {
  const std::string page =
      options.page.empty() ? (fs::path(folder) / "report.html").string() : options.page;
  check_page_name(page);
  return write_page(read_content(folder), page, options);
}

Report write_page(PageContent content, const std::string& page, const ReportOptions& options) {
  check_page_name(page);
  content.words.insert(content.words.begin(), options.words.begin(), options.words.end());
  content.machine.insert(content.machine.end(), options.facts.begin(), options.facts.end());

  if (options.changes && !content.recipe.empty()) content.changes = options.changes(content.recipe);

  Report report;
  report.page = page;
  report.files = report.page.substr(0, report.page.size() - kEnding.size());
  make_folders(report.files);
  for (const Figure& figure : content.figures) write_data(figure, report.files + "/" + figure.name);
  bool has_png = !options.gnuplot.empty();
  if (has_png) {
    const std::string failure = write_pngs(content.figures, report.files, options);
    has_png = failure.empty();
    if (!has_png)
      report.notes.push_back(failure +
                             ": no PNG files; install gnuplot (Debian: gnuplot-nox) for them");
  }
  write_file_atomically(report.page, {page_html(content, fs::path(report.files).filename().string(),
                                                has_png, report.notes)});
  return report;
}

std::vector<Figure> read_figures(const std::string& folder) { return read_content(folder).figures; }

}  // namespace onecycle
