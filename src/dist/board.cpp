#include "dist/board.h"

#include "core/format.h"

#include <sstream>

namespace onecycle {

namespace {

constexpr const char* kVerdict = "verdict";
constexpr const char* kFolder = "folder";

std::string key_of(std::int64_t rank) { return format("beat/{}", rank); }

Beat read_beat(const std::vector<std::uint8_t>& bytes) {
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  Beat beat;
  int state = 0;
  in >> beat.count >> state >> beat.step >> beat.pid >> beat.host;
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

std::vector<std::optional<Beat>> Board::beats(std::int64_t size) {
  std::vector<std::string> keys;
  std::vector<std::size_t> ranks;
  std::vector<std::string> all;
  for (std::int64_t rank = 0; rank < size; ++rank) all.push_back(key_of(rank));
  const bool all_there = store_->check(all);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (!all_there && !store_->check({all[rank]})) continue;
    keys.push_back(all[rank]);
    ranks.push_back(rank);
  }
  std::vector<std::optional<Beat>> found(all.size());
  if (keys.empty()) return found;
  const auto values = store_->multiGet(keys);
  for (std::size_t i = 0; i < values.size(); ++i) found[ranks[i]] = read_beat(values[i]);
  return found;
}

// "writer kind rank text"
RankVerdict Board::post(const RankVerdict& verdict) {
  return read_verdict(store_->compareSet(
      kVerdict, "",
      format("{} {} {} {}", writer_, static_cast<int>(verdict.kind), verdict.rank, verdict.text)));
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
  in.get();
  std::getline(in, verdict.text);
  verdict.kind = static_cast<RankVerdict::Kind>(kind);
  verdict.own = writer == writer_;
  return verdict;
}

void Board::announce_folder(const std::string& folder) { store_->set(kFolder, folder); }

std::string Board::folder() {
  return store_->check({kFolder}) ? store_->get_to_str(kFolder) : std::string();
}

}  // namespace onecycle
