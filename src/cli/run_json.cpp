#include "cli/run_json.h"

#include "cli/commit.h"
#include "cli/run_folder.h"
#include "core/files/files.h"
#include "core/files/input_file.h"
#include "core/process/this_process.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "options/value_json.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace onecycle {

namespace {

constexpr std::uint64_t kLargestRunJson = std::uint64_t{1} << 24;

// Of sessions before; an empty one where a file that was damaged is begun anew.
Json run_json_in(const std::string& path) {
  if (!std::filesystem::exists(path)) return Json::object();
  const std::vector<std::uint8_t> bytes = read_regular_file(path, kLargestRunJson);
  Json json = parse_json({bytes.begin(), bytes.end()});
  return json.is_object() ? json : Json::object();
}

}  // namespace

void note_session(const std::string& folder, const RecipeRun& run, const UsedValues& used,
                  const Session& session) {
  const std::string path = folder + "/run.json";
  Json json = run_json_in(path);
  Json& sessions = json["sessions"];
  if (!sessions.is_array()) sessions = Json::array();
  sessions.push_back(Json{{"command", session.line().command()},
                          {"version", ONECYCLE_VERSION},
                          {"commit", kCommit},
                          {"host", host_name()},
                          {"machine", machine_text(run.compute)},
                          {"ranks", session.group().size()}});
  Json& numbers = json["used"] = Json::object();
  for (const auto& [option, text] : left_open(used, run.recipe, session.registries().variants()))
    numbers[option] = json_of(Value::scalar(text));
  write_file_atomically(path, {json_text(json, 1), "\n"});
}

}  // namespace onecycle
