#include "dist/group/store.h"

#include "onecycle/error.h"

#include "core/process/blocked_signals.h"
#include "core/process/file_descriptor.h"
#include "core/text/format.h"
#include "core/text/printable.h"
#include "dist/group/sealed_store.h"
#include "dist/launch/address.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <thread>

#include <c10/util/Flags.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

C10_DECLARE_int(caffe2_log_level);

namespace onecycle {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kErrorsOnly = 2;
constexpr milliseconds kRetry{200};
constexpr milliseconds kOneTry{3000};

std::uint16_t port_of(const FileDescriptor& socket) {
  sockaddr_storage own{};
  socklen_t bytes = sizeof own;
  auto* address = reinterpret_cast<sockaddr*>(&own);
  if (::getsockname(socket.get(), address, &bytes) != 0) return 0;
  return SocketAddress(address, bytes).port();
}

// A socket that is bound to the address alone, not yet listening.
FileDescriptor bound_socket(const std::string& host, std::uint16_t port) {
  const auto addresses = addresses_of(host, port);
  if (addresses.empty())
    throw DistError(format("the store cannot be served at {}: no machine has that name", host));
  const SocketAddress& address = addresses.front();
  FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), address.get(), address.bytes()) == 0) return socket;
  const char* advice = errno == EADDRINUSE      ? "; set another MASTER_PORT"
                       : errno == EADDRNOTAVAIL ? "; set MASTER_ADDR to an address of rank 0's "
                                                  "machine"
                                                : "";
  throw DistError(format("the store cannot be served at {}:{}: {}{}", host, port,
                         std::strerror(errno), advice));
}

// Whether somebody listens there; the error number where nobody does.
int try_to_connect(const SocketAddress& address, milliseconds patience) {
  const FileDescriptor socket(
      ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), address.get(), address.bytes()) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{socket.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return ETIMEDOUT;
  int failure = 0;
  socklen_t bytes = sizeof failure;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &bytes);
  return failure;
}

// The number of the first of the host's addresses where somebody listens.
std::string await_listener(const RankPlace& place, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    std::string why = "no machine has that name";
    for (const SocketAddress& address : addresses_of(place.address, place.port)) {
      const int failure = try_to_connect(address, std::min(timeout, kOneTry));
      if (failure == 0) return address.number();
      why = std::strerror(failure);
    }
    if (Clock::now() >= deadline)
      throw DistError(format(
          "rank {} cannot reach the store at {}:{}, which {} serves: {} (for {} s); is it running, "
          "and does this machine reach that address?",
          place.rank, place.address, place.port,
          place.store_is_served ? place.launcher : "rank 0 of " + place.launcher, why,
          static_cast<double>(timeout.count()) / 1000));
    std::this_thread::sleep_for(kRetry);
  }
}

// The address that rank 0 serves at. Debian gives a machine's own name the address 127.0.1.1.
std::string address_to_serve_at(const RankPlace& place) {
  const auto addresses = addresses_of(place.address, place.port);
  const bool meant = place.address == "localhost" ||
                     (!addresses.empty() && addresses.front().number() == place.address);
  if (place.one_machine() || meant) return place.address;
  for (const SocketAddress& address : addresses)
    if (!address.loopback()) return address.number();
  if (addresses.empty()) return place.address;
  throw DistError(format(
      "rank 0 would serve the store at {}, which is {} on its own machine and out of the reach of "
      "others: set MASTER_ADDR to an address by which they reach it",
      place.address, addresses.front().number()));
}

}  // namespace

void hush_c10d() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr && FLAGS_caffe2_log_level < kErrorsOnly)
    FLAGS_caffe2_log_level = kErrorsOnly;
}

Store store_of_attempt(Store store, std::int64_t attempt, const std::string& secret) {
  if (!secret.empty()) store = sealed(std::move(store), secret);
  return c10::make_intrusive<c10d::PrefixStore>(format("onecycle/{}", attempt), std::move(store));
}

c10::intrusive_ptr<c10d::TCPStore> serve_store(const std::string& host, std::uint16_t port,
                                               milliseconds timeout) {
  const NoBrokenPipes blocked;
  FileDescriptor socket = bound_socket(host, port);
  c10d::TCPStoreOptions options;
  options.port = port_of(socket);
  options.isServer = true;
  options.waitWorkers = false;
  options.timeout = timeout;
  options.masterListenFd = socket.release();
  try {
    return c10::make_intrusive<c10d::TCPStore>(host, options);
  } catch (const std::exception& error) {
    throw DistError(
        format("the store cannot be served at {}:{}: {}", host, port, first_line(error.what())));
  }
}

Store connect_store(const RankPlace& place, milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = place.port;
  options.waitWorkers = false;
  options.timeout = timeout;
  const std::string address = await_listener(place, timeout);
  try {
    return store_of_attempt(c10::make_intrusive<c10d::TCPStore>(address, options), place.attempt,
                            place.secret);
  } catch (const std::exception& error) {
    throw DistError(format("rank {}: what listens at {}:{} is not a store of ranks: {}", place.rank,
                           place.address, place.port, first_line(error.what())));
  }
}

Store open_store(const RankPlace& place, milliseconds timeout) {
  if (place.rank != 0 || place.store_is_served) return connect_store(place, timeout);
  return store_of_attempt(serve_store(address_to_serve_at(place), place.port, timeout),
                          place.attempt, place.secret);
}

}  // namespace onecycle
