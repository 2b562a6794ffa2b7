#include "dist/heartbeat/status_board.h"

#include "core/text/format.h"

#include <algorithm>
#include <sstream>

namespace onecycle {

namespace {

constexpr const char* kFailure = "verdict";
constexpr const char* kFolder = "folder";
constexpr std::size_t kLongestValue = 4096;  // of a value; longer ones are not ours

std::string key_of(std::int64_t rank) { return format("beat/{}", rank); }

std::optional<RankStatus> read_beat(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() > kLongestValue) return std::nullopt;
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  RankStatus beat;
  int state = 0;
  in >> beat.count >> state >> beat.step >> beat.pid >> beat.host;
  const bool known = state >= 0 && state <= static_cast<int>(RankStatus::State::heard);
  if (!in || !known || beat.count < 0 || beat.step < 0 || beat.pid < 0) return std::nullopt;
  beat.state = static_cast<RankStatus::State>(state);
  return beat;
}

}  // namespace

std::string name_of(std::int64_t rank, const RankStatus& beat) {
  return format("rank {} ({}, pid {})", rank, beat.host, beat.pid);
}

void StatusBoard::tell(std::int64_t rank, const RankStatus& beat) {
  store_->set(key_of(rank), format("{} {} {} {} {}", beat.count, static_cast<int>(beat.state),
                                   beat.step, beat.pid, beat.host));
}

std::vector<std::optional<RankStatus>> StatusBoard::beats() {
  std::vector<std::string> keys;
  std::vector<std::size_t> ranks;
  std::vector<std::string> all;
  for (std::int64_t rank = 0; rank < size_; ++rank) all.push_back(key_of(rank));
  const bool all_there = store_->check(all);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (!all_there && !store_->check({all[rank]})) continue;
    keys.push_back(all[rank]);
    ranks.push_back(rank);
  }
  std::vector<std::optional<RankStatus>> found(all.size());
  if (keys.empty()) return found;
  const auto values = store_->multiGet(keys);
  for (std::size_t i = 0; i < std::min(values.size(), ranks.size()); ++i)
    found[ranks[i]] = read_beat(values[i]);
  return found;
}

// "writer kind rank text"
RankFailure StatusBoard::post(const RankFailure& failure) {
  return read_failure(
      store_->compareSet(kFailure, "",
                         format("{} {} {} {}", writer_, static_cast<int>(failure.kind),
                                failure.rank, failure.text.substr(0, kLongestValue / 2))));
}

std::optional<RankFailure> StatusBoard::failure() {
  if (!store_->check({kFailure})) return std::nullopt;
  return read_failure(store_->get_to_str(kFailure));
}

RankFailure StatusBoard::read_failure(const std::string& text) const {
  std::istringstream in(text);
  std::string writer;
  int kind = 0;
  RankFailure failure;
  in >> writer >> kind >> failure.rank;
  const bool known = kind >= 0 && kind <= static_cast<int>(RankFailure::Kind::out_of_memory);
  if (!in || !known || failure.rank < -1 || failure.rank >= size_ || text.size() > kLongestValue) {
    failure.rank = -1;
    failure.text = "the ranks' store holds a verdict that none of them wrote";
    failure.own = true;  // nobody else says it
    return failure;
  }
  in.get();
  std::getline(in, failure.text);
  failure.kind = static_cast<RankFailure::Kind>(kind);
  failure.own = writer == writer_;
  return failure;
}

void StatusBoard::announce_folder(const std::string& folder) { store_->set(kFolder, folder); }

std::string StatusBoard::folder() {
  if (!store_->check({kFolder})) return "";
  std::string folder = store_->get_to_str(kFolder);
  const bool sound = folder.size() <= kLongestValue && folder.find('\0') == std::string::npos;
  return sound ? folder : "";
}

}  // namespace onecycle
