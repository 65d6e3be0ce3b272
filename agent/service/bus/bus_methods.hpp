#pragma once
#include <systemd/sd-bus.h>

namespace hostsplit {

/// Methods, properties and signals of org.hostsplit.Manager1. The user data of the object is the Bus.
const sd_bus_vtable* bus_vtable();

}  // namespace hostsplit
