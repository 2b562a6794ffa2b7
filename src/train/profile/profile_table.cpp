#include "train/profile/profile_table.h"

#include "core/text/format.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace onecycle {

namespace {

// As train/step/step.cpp marks them.
constexpr std::array kPhases = {"onecycle::data", "onecycle::forward", "onecycle::backward",
                                "onecycle::metrics", "onecycle::update"};
constexpr std::size_t kRows = 20;
constexpr std::size_t kWidth = 54;  // of names, in characters
constexpr double kNsPerMs = 1e6;

class Table {
 public:
  Table(const StepProfile& profile, const std::string& what, const std::string& time)
      : profile_(profile), left_(profile.duration) {
    text_ = format("{:<54} {:>12} {:>14} {:>8}\n", what, "calls a step", time, "share");
  }

  void add(const std::string& name, std::int64_t calls, std::int64_t time) {
    const double steps = static_cast<double>(profile_.steps);
    const std::string count = calls > 0 ? format("{:.4g}", static_cast<double>(calls) / steps) : "";
    text_ += format("{:<54} {:>12} {:>14.4f} {:>6.1f} %\n", name, count,
                    static_cast<double>(time) / kNsPerMs / steps,
                    100 * static_cast<double>(time) / static_cast<double>(profile_.duration));
    left_ -= time;
  }
  void add_the_left(const std::string& name) { add(name, 0, left_); }
  const std::string& text() const { return text_; }

 private:
  const StepProfile& profile_;
  std::int64_t left_;
  std::string text_;
};

// Of our own nodes of the graph: "onecycle::NormActivation" for
// "torch::autograd::CppNode<onecycle::(anonymous namespace)::NormActivation>"; cut to the column.
std::string shortened(std::string name) {
  constexpr std::string_view kNode = "torch::autograd::CppNode<", kOurs = "(anonymous namespace)::";
  if (const auto at = name.find(kNode); at != std::string::npos && name.ends_with('>')) {
    name.erase(at, kNode.size());
    name.pop_back();
  }
  if (const auto at = name.find(kOurs); at != std::string::npos) name.erase(at, kOurs.size());
  return name.size() <= kWidth ? name : name.substr(0, kWidth - 1) + "~";
}

void add_largest(const std::vector<ProfileRow>& rows, Table& table) {
  const std::size_t shown = std::min(rows.size(), kRows);
  for (std::size_t i = 0; i < shown; ++i)
    table.add(shortened(rows[i].name), rows[i].calls, rows[i].self);
  std::int64_t calls = 0;
  std::int64_t self = 0;
  for (std::size_t i = shown; i < rows.size(); ++i) {
    calls += rows[i].calls;
    self += rows[i].self;
  }
  if (shown < rows.size()) table.add(format("{} others", rows.size() - shown), calls, self);
}

}  // namespace

std::vector<ProfileRow> self_times(std::vector<ProfiledEvent> events) {
  std::sort(events.begin(), events.end(), [](const ProfiledEvent& a, const ProfiledEvent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.duration > b.duration;
  });
  std::map<std::string, ProfileRow> rows;
  std::vector<const ProfiledEvent*> open;
  for (const ProfiledEvent& event : events) {
    while (!open.empty() && open.back()->begin + open.back()->duration <= event.begin)
      open.pop_back();
    if (!open.empty()) rows[open.back()->name].self -= event.duration;
    ProfileRow& row = rows[event.name];
    row.calls += 1;
    row.whole += event.duration;
    row.self += event.duration;
    open.push_back(&event);
  }
  std::vector<ProfileRow> result;
  for (auto& [name, row] : rows) {
    row.name = name;
    result.push_back(row);
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.self > b.self; });
  return result;
}

std::string text_of(const StepProfile& profile) {
  Table phases(profile, "phase", "ms a step");
  for (const char* name : kPhases) {
    for (const ProfileRow& row : profile.rows)
      if (row.name == name) phases.add(name, row.calls, row.whole);
  }
  phases.add_the_left("between them");

  Table operators(profile, "operator (a phase: outside its operators)", "self ms a step");
  add_largest(profile.rows, operators);
  operators.add_the_left("between the phases");

  std::string text = phases.text() + '\n' + operators.text();
  if (!profile.device.empty()) {
    Table device(profile, "on the GPU", "ms a step");
    add_largest(profile.device, device);
    device.add_the_left("idle");
    text += '\n' + device.text();
  }
  return text;
}

}  // namespace onecycle
