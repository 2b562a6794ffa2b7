#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace onecycle {

// An address of a machine and a port, as sockets take it.
class SocketAddress {
 public:
  SocketAddress(const sockaddr* address, socklen_t bytes);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t bytes() const { return bytes_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  std::string number() const;  // "10.0.0.1"
  bool loopback() const;

 private:
  sockaddr_storage storage_{};
  socklen_t bytes_;
};

// What a host's name or number stands for; empty where it is not known (now).
std::vector<SocketAddress> addresses_of(const std::string& host, std::uint16_t port);

// The address of this machine by which it reaches the host; nothing is sent. Throws DistError.
std::string local_address_towards(const std::string& host, std::uint16_t port);

}  // namespace onecycle
