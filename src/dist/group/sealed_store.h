#pragma once

#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace onecycle {

// What the processes of one launch share and nobody else knows: 32 hexadecimal digits.
std::string new_secret();

// A store that anyone on the machine can reach, for those who know `secret`: each value carries a
// code of authentication (HMAC-SHA-256 over its key and itself). Reading one that somebody else
// wrote throws DistError. Counters (`add`), which are c10d's alone, have none.
c10::intrusive_ptr<c10d::Store> sealed(c10::intrusive_ptr<c10d::Store> store, std::string secret);

}  // namespace onecycle
