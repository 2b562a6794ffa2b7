#include "formats/pickle/pickle.h"

#include "formats/pickle/pickle_reader.h"

namespace onecycle {

const PickleNode* PickleNode::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)
    if (items[i - 2]->is_text(key)) return items[i - 1];
  return nullptr;
}

Pickle::Pickle(std::string_view bytes, const std::set<std::string, std::less<>>& globals,
               const PickleLimits& limits) {
  PickleReader reader(*this, bytes, globals, limits);
  root_ = reader.read();
  size_ = reader.position();
}

}  // namespace onecycle
