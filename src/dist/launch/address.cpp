#include "dist/launch/address.h"

#include "onecycle/error.h"

#include "core/process/file_descriptor.h"
#include "core/text/format.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>

namespace onecycle {

SocketAddress::SocketAddress(const sockaddr* address, socklen_t bytes) : bytes_(bytes) {
  std::memcpy(&storage_, address, bytes);
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string SocketAddress::number() const {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(get(), bytes_, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

bool SocketAddress::loopback() const {
  if (family() == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr);
  const auto address = reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr.s_addr;
  return ntohl(address) >> 24 == IN_LOOPBACKNET;
}

std::vector<SocketAddress> addresses_of(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<SocketAddress> addresses;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0)
    return addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next)
    if (entry->ai_family == AF_INET || entry->ai_family == AF_INET6)
      addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  ::freeaddrinfo(found);
  return addresses;
}

std::string local_address_towards(const std::string& host, std::uint16_t port) {
  const auto addresses = addresses_of(host, port);
  if (addresses.empty()) throw DistError(format("no machine has the name {}", host));
  int failure = 0;
  for (const SocketAddress& address : addresses) {
    // Connecting a UDP socket only looks the route up.
    const FileDescriptor socket(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage own{};
    socklen_t bytes = sizeof own;
    auto* own_address = reinterpret_cast<sockaddr*>(&own);
    if (::connect(socket.get(), address.get(), address.bytes()) == 0 &&
        ::getsockname(socket.get(), own_address, &bytes) == 0)
      return SocketAddress(own_address, bytes).number();
    failure = errno;
  }
  throw DistError(format("this machine has no route to {}: {}", host, std::strerror(failure)));
}

}  // namespace onecycle
