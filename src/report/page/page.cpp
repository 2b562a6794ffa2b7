#include "report/page/page.h"

#include "core/text/format.h"
#include "report/figures/figure_data.h"
#include "report/figures/svg.h"
#include "report/page/text.h"

#include <cmath>
#include <numeric>

namespace onecycle {

namespace {

constexpr std::size_t kMostHoverPoints = 1500;  // of a series
constexpr std::size_t kMostCounts = 20;         // classes whose counts have room beside one another

// JSON that no text in it can end the script element around it.
std::string script_safe(const std::string& json) {
  std::string result;
  for (const char c : json) result += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return result;
}

// A path for href: what could be read as more than a path is percent-encoded.
std::string url_path(const std::string& path) {
  std::string result;
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                       c == '.' || c == '/';
    result += plain ? std::string(1, c) : format("%{:02X}", static_cast<unsigned char>(c));
  }
  return "./" + result;
}

std::string head_html(const PageContent& content) {
  return format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}: onecycle report</title>\n<style>\n{}{}</style>\n</head>\n<body>\n",
      escaped(content.title), plot_style(), kPageStyle);
}

std::string paragraphs(const std::vector<std::string>& texts, const char* type) {
  std::string html;
  for (const std::string& text : texts)
    html += format("<p class=\"{}\">{}</p>\n", type, escaped(text));
  return html;
}

std::string facts_html(const Facts& facts, const char* type) {
  std::string html = format("<dl class=\"{}\">\n", type);
  for (const auto& [name, value] : facts)
    html += format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value));
  return html + "</dl>\n";
}

std::string commands_html(const std::vector<PageCommand>& commands) {
  if (commands.empty()) return "";
  std::string html = "<dl class=\"next\">\n";
  for (const PageCommand& command : commands)
    html += format("<div><dt>{}</dt><dd><code>{}</code></dd></div>\n", escaped(command.what),
                   escaped(command.line));
  return html + "</dl>\n";
}

std::string recipe_html(const PageContent& content) {
  const auto pre = [](const std::string& text) {
    return format("<pre class=\"scroll\" tabindex=\"0\">{}</pre>\n", escaped(text));
  };
  std::string html = "<section>\n<h2>Recipe</h2>\n";
  if (content.changes.empty()) return html + pre(content.recipe) + "</section>\n";
  return html + paragraphs({"What differs from the defaults."}, "note") + pre(content.changes) +
         "<details><summary>The whole recipe</summary>\n" + pre(content.recipe) +
         "</details>\n</section>\n";
}

std::string legend_html(const Figure& figure) {
  if (figure.series.size() < 2) return "";  // its title says it
  std::string html = "<ul class=\"legend\">";
  for (const PlotSeries& series : figure.series)
    html += format(
        "<li><svg class=\"plot key\" viewBox=\"0 0 24 10\" aria-hidden=\"true\"><path class=\"{} "
        "c{}\" d=\"{}\"/></svg>{}</li>",
        name_of(series.style), series.colour,
        series.style == PlotSeries::Style::area ? "M2 10V2H22V10"
        : is_line(series.style)                 ? "M2 5H22"
                                                : "M4 5h0m8 0h0m8 0h0",
        escaped(series.label));
  return html + "</ul>\n";
}

std::string figure_html(const Figure& figure, const std::string& files, bool has_png) {
  SvgOptions narrow;
  narrow.form = "narrow";
  narrow.width = 350;
  narrow.height = 260;
  std::string links;
  for (const char* type : {"svg", "png", "csv", "json"})
    if (has_png || std::string_view(type) != "png")
      links +=
          format(" <a href=\"{}\">{}</a>", url_path(files + "/" + figure.name + "." + type), type);
  return format("<figure id=\"{}\">\n<h2>{}</h2>\n{}<div class=\"drawing\">\n{}{}</div>\n",
                escaped(figure.name), escaped(figure.title), legend_html(figure),
                svg_element(figure, {}), svg_element(figure, narrow)) +
         format("<figcaption>{} <span class=\"files\">Files:{}</span></figcaption>\n",
                escaped(figure.note), links) +
         format("<script type=\"application/json\">{}</script>\n</figure>\n",
                script_safe(figure_json(figure, kMostHoverPoints)));
}

std::string table_html(const PageTable& table) {
  const auto cells = [&](const std::vector<std::string>& row, const char* tag) {
    std::string html = "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += format("<{0}{1}>{2}</{0}>", tag, table.textual[i] ? " class=\"text\"" : "",
                     escaped(row[i]));
    return html + "</tr>\n";
  };
  std::string html = format(
      "<section>\n<h2>{}</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead>{}</thead>\n"
      "<tbody>\n",
      escaped(table.title), cells(table.names, "th"));
  for (const auto& row : table.rows) html += cells(row, "td");
  html += "</tbody>\n</table></div>\n";
  if (!table.note.empty()) html += format("<p class=\"note\">{}</p>\n", escaped(table.note));
  return html + "</section>\n";
}

// The share of a row as a CSS percentage of the shade, so that a small one is still seen.
std::string shade(std::int64_t count, std::int64_t row) {
  if (count == 0 || row == 0) return "0%";
  return format("{:.0f}%",
                6 + 74 * std::sqrt(static_cast<double>(count) / static_cast<double>(row)));
}

std::string matrix_html(const PageMatrix& matrix) {
  const bool many = matrix.names.size() > kMostCounts;
  std::string html = format(
      "<section>\n<h2>{}</h2>\n<div class=\"scroll\" tabindex=\"0\"><table class=\"matrix{}\">\n"
      "<thead><tr><th>{}</th>",
      escaped(matrix.title), many ? " many" : "", escaped(matrix.corner));
  for (const std::string& name : matrix.names)
    html += format("<th scope=\"col\"><span>{}</span></th>", escaped(name));
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t row = 0; row < matrix.counts.size(); ++row) {
    const auto& counts = matrix.counts[row];
    const std::int64_t sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    html += format("<tr><th scope=\"row\">{}</th>", escaped(matrix.names[row]));
    for (std::size_t column = 0; column < counts.size(); ++column) {
      const std::string count = counts[column] == 0 ? "" : std::to_string(counts[column]);
      html += format("<td class=\"{}\" style=\"--s:{}\"{}>{}</td>",
                     row == column ? "right" : "wrong", shade(counts[column], sum),
                     many ? format(" title=\"{}\"", count) : "", many ? "" : count);
    }
    html += "</tr>\n";
  }
  html += "</tbody>\n</table></div>\n";
  const char* hover = many ? " A cell says its count when pointed at." : "";
  return html + paragraphs({matrix.note + hover}, "note") + "</section>\n";
}

std::string gallery_html(const PageGallery& gallery) {
  std::string html = format("<section>\n<h2>{}</h2>\n", escaped(gallery.title)) +
                     paragraphs({gallery.note}, "note") + "<ul class=\"gallery\">\n";
  for (const PagePicture& picture : gallery.pictures) {
    html += format("<li><img src=\"{}\" alt=\"{}\">", picture.image, escaped(picture.alternative));
    for (const std::string& line : picture.lines) html += format("<span>{}</span>", escaped(line));
    html += "</li>\n";
  }
  return html + "</ul>\n</section>\n";
}

}  // namespace

std::string page_html(const PageContent& content, const std::string& files, bool has_png,
                      const std::vector<std::string>& notes) {
  std::string html = head_html(content);
  html += format("<header>\n<h1>{}</h1>\n<p class=\"subtitle\">{}</p>\n</header>\n<main>\n",
                 escaped(content.title), escaped(content.subtitle));
  if (!content.answer.empty()) html += paragraphs({content.answer}, "answer");
  html += commands_html(content.commands);
  html += paragraphs(content.warnings, "warning") + paragraphs(content.words, "words");
  html += facts_html(content.facts, "facts");
  for (const PageTable& table : content.summary) html += table_html(table);
  html += "<div class=\"figures\">\n";
  for (const Figure& figure : content.figures) html += figure_html(figure, files, has_png);
  html += "</div>\n";
  for (const PageMatrix& matrix : content.matrices) html += matrix_html(matrix);
  for (const PageTable& table : content.tables) html += table_html(table);
  for (const PageGallery& gallery : content.galleries) html += gallery_html(gallery);
  if (!content.recipe.empty()) html += recipe_html(content);
  if (!content.machine.empty())
    html += "<section>\n<h2>Where it comes from</h2>\n" + facts_html(content.machine, "machine") +
            "</section>\n";
  html += paragraphs(notes, "note");
  return html + format("</main>\n<script>{}</script>\n</body>\n</html>\n", kPageScript);
}

}  // namespace onecycle
