#include "report/page/text.h"

#include "core/text/format.h"
#include "core/text/printable.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>

namespace onecycle {

namespace {

// "1.290e-05" to "1.29e-5".
std::string tidy_exponent(std::string text) {
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::string digits = text.substr(0, e);
  if (digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return format("{}e{}", digits, std::stoi(text.substr(e + 1)));
}

std::string without_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string with_commas(double value) {
  std::string text = format("{:.0f}", value);
  for (auto at = static_cast<std::int64_t>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : visible(text)) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string human_number(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e7 || size < 1e-4) return tidy_exponent(format("{:.3e}", value));
  if (size >= 1e4) return with_commas(value);
  if (size >= 1e3) return with_commas(std::round(value));
  const int decimals = 3 - static_cast<int>(std::floor(std::log10(size)));
  return without_zeros(format("{:.{}f}", value, decimals));
}

std::string human_percent(double fraction) {
  return std::isfinite(fraction) ? format("{:.2f} %", 100 * fraction) : "–";
}

std::string human_metric(const Metric& metric, double value) {
  return metric.is_fraction ? human_percent(value) : human_number(value);
}

std::string human_name(const Metric& metric) {
  std::string name = metric.name.starts_with(metric.label) ? metric.name : metric.label;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string title_of(const Metric& metric) {
  std::string title = human_name(metric);
  const bool in_full = metric.name != metric.label && metric.name.starts_with(metric.label);
  if (in_full) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

std::string unit_of(const Metric& metric) {
  return human_name(metric) + (metric.is_fraction ? ", %" : "");
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole >= 86400) return format("{} d {} h", whole / 86400, whole % 86400 / 3600);
  if (whole >= 3600) return format("{} h {} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return format("{} min {} s", whole / 60, whole % 60);
  return format("{:.{}f} s", seconds, seconds < 10 ? 1 : 0);
}

std::string tick_text(double value, double step) {
  const double size = std::abs(value);
  if (size < step / 1e6 || size == 0) return "0";
  if (size >= 1e12 || size < 1e-4) return tidy_exponent(format("{:.3e}", value));
  if (size >= 1e9) return without_zeros(format("{:.3f}", value / 1e9)) + "G";
  if (size >= 1e6) return without_zeros(format("{:.3f}", value / 1e6)) + "M";
  if (size >= 1e4) return without_zeros(format("{:.3f}", value / 1e3)) + "k";
  const int decimals = step > 0 ? static_cast<int>(std::ceil(-std::log10(step) - 1e-9)) : 3;
  return format("{:.{}f}", value, std::min(9, std::max(0, decimals)));
}

}  // namespace onecycle
