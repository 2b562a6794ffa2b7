#pragma once

#include "dist/launch/place.h"

#include <chrono>

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace onecycle {

// The keys and values that all ranks reach: c10d's, which torchrun serves as well.
using Store = c10::intrusive_ptr<c10d::Store>;

// For a program of ranks to call, before threads that log: the whole process logs no warnings of
// LibTorch's, unless TORCH_CPP_LOG_LEVEL chooses. c10d warns, with stack traces, of each connection
// that breaks; ours are told in one line.
void hush_c10d();

// How long ranks wait for one another to begin.
constexpr std::chrono::minutes kJoinTimeout{5};

// Serves one that listens on this address of this machine alone; on any free port for port 0.
// Throws DistError.
c10::intrusive_ptr<c10d::TCPStore> serve_store(const std::string& host, std::uint16_t port,
                                               std::chrono::milliseconds timeout);

// The part of a store that belongs to one attempt at the run, sealed (sealed_store.h) where there
// is a secret.
Store store_of_attempt(Store store, std::int64_t attempt, const std::string& secret);

// A connection of its own to the store of the place's attempt. Waits for it to be served; throws
// DistError after `timeout`, which also limits each later wait for a key.
Store connect_store(const RankPlace& place, std::chrono::milliseconds timeout);

// The same, and on rank 0 the store itself where no launcher serves it: it ends with what this
// returns.
Store open_store(const RankPlace& place, std::chrono::milliseconds timeout);

}  // namespace onecycle
