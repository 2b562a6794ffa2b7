#include "dist/heartbeat/board.h"

#include "core/text/format.h"

#include <algorithm>
#include <sstream>

namespace onecycle {

namespace {

constexpr const char* kVerdict = "verdict";
constexpr const char* kFolder = "folder";
constexpr std::size_t kLongestValue = 4096;  // of a value; longer ones are not ours

std::string key_of(std::int64_t rank) { return format("beat/{}", rank); }

std::optional<Beat> read_beat(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() > kLongestValue) return std::nullopt;
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  Beat beat;
  int state = 0;
  in >> beat.count >> state >> beat.step >> beat.pid >> beat.host;
  const bool known = state >= 0 && state <= static_cast<int>(Beat::State::heard);
  if (!in || !known || beat.count < 0 || beat.step < 0 || beat.pid < 0) return std::nullopt;
  beat.state = static_cast<Beat::State>(state);
  return beat;
}

}  // namespace

std::string name_of(std::int64_t rank, const Beat& beat) {
  return format("rank {} ({}, pid {})", rank, beat.host, beat.pid);
}

void Board::tell(std::int64_t rank, const Beat& beat) {
  store_->set(key_of(rank), format("{} {} {} {} {}", beat.count, static_cast<int>(beat.state),
                                   beat.step, beat.pid, beat.host));
}

std::vector<std::optional<Beat>> Board::beats() {
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
  std::vector<std::optional<Beat>> found(all.size());
  if (keys.empty()) return found;
  const auto values = store_->multiGet(keys);
  for (std::size_t i = 0; i < std::min(values.size(), ranks.size()); ++i)
    found[ranks[i]] = read_beat(values[i]);
  return found;
}

// "writer kind rank text"
RankVerdict Board::post(const RankVerdict& verdict) {
  return read_verdict(
      store_->compareSet(kVerdict, "",
                         format("{} {} {} {}", writer_, static_cast<int>(verdict.kind),
                                verdict.rank, verdict.text.substr(0, kLongestValue / 2))));
}

std::optional<RankVerdict> Board::verdict() {
  if (!store_->check({kVerdict})) return std::nullopt;
  return read_verdict(store_->get_to_str(kVerdict));
}

RankVerdict Board::read_verdict(const std::string& text) const {
  std::istringstream in(text);
  std::string writer;
  int kind = 0;
  RankVerdict verdict;
  in >> writer >> kind >> verdict.rank;
  const bool known = kind >= 0 && kind <= static_cast<int>(RankVerdict::Kind::out_of_memory);
  if (!in || !known || verdict.rank < -1 || verdict.rank >= size_ || text.size() > kLongestValue) {
    verdict.rank = -1;
    verdict.text = "the ranks' store holds a verdict that none of them wrote";
    verdict.own = true;  // nobody else says it
    return verdict;
  }
  in.get();
  std::getline(in, verdict.text);
  verdict.kind = static_cast<RankVerdict::Kind>(kind);
  verdict.own = writer == writer_;
  return verdict;
}

void Board::announce_folder(const std::string& folder) { store_->set(kFolder, folder); }

std::string Board::folder() {
  if (!store_->check({kFolder})) return "";
  std::string folder = store_->get_to_str(kFolder);
  const bool sound = folder.size() <= kLongestValue && folder.find('\0') == std::string::npos;
  return sound ? folder : "";
}

}  // namespace onecycle
