/* A stand-in for NVIDIA's management library (NVML): answers the calls that Menagerie makes from a text file, so that a
 * machine without a GPU runs the same code as one with eight. The file is named by MENAGERIE_NVML_STAND_IN and read anew
 * for each call, so that whoever changes it changes what the devices say.
 *
 *     cc -shared -fPIC -o stand_in.so tests/nvml/stand_in.c
 *     MENAGERIE_NVML=$PWD/stand_in.so MENAGERIE_NVML_STAND_IN=$PWD/tests/nvml/eight_gpus.txt menagerie engine
 *
 * The file has a line for each fact: a key and its value. What stands before the first `gpu` concerns the library:
 *
 *     driver 550.54.15        its version
 *     init no_driver          beginning fails: no_driver, no_permission, unknown
 *     hang                    every call about a device hangs for ever
 *
 * Each `gpu` line begins a device; a fact that is left out is one that the device does not support:
 *
 *     gpu / uuid / name / minor / utilization / memory_utilization / memory_used / memory_total / power_mw /
 *     power_limit_mw / temperature / clock_sm / clock_memory / fan / throttle (bits) / ecc_corrected / ecc_uncorrected /
 *     pcie_generation / pcie_width / pcie_received / pcie_sent (KB/s) / compute PID BYTES / graphics PID BYTES / lost
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUCCESS = 0,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    GPU_IS_LOST = 15,
    UNKNOWN = 999
};

typedef unsigned long long big;
typedef void *device_t;
typedef struct { unsigned gpu, memory; } utilization_t;
typedef struct { unsigned version; big total, reserved, free, used; } memory_v2_t;
typedef struct { unsigned pid; big memory; unsigned gpu_instance, compute_instance; } process_t;

/* Finds the n-th line with this key in a device's part (in the part before the first device for -1). */
static int find(int device, const char *key, int n, char *value, size_t size) {
    const char *path = getenv("MENAGERIE_NVML_STAND_IN");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return 0;
    char line[512];
    int at = -1, found = 0;
    while (!found && fgets(line, sizeof line, file)) {
        char *start = line + strspn(line, " \t");
        start[strcspn(start, "\r\n")] = 0;
        size_t length = strcspn(start, " \t");
        if (length == 3 && strncmp(start, "gpu", 3) == 0) at++;
        if (at != device || strlen(key) != length || strncmp(start, key, length) != 0 || n-- > 0) continue;
        snprintf(value, size, "%s", start + length + strspn(start + length, " \t"));
        found = 1;
    }
    fclose(file);
    return found;
}

static int place(device_t device) { return (int)((size_t)device - 1); }

/* What every call about a device begins with. */
static int answers(device_t device) {
    char value[64];
    if (find(-1, "hang", 0, value, sizeof value)) for (;;) pause();
    if (!device || !find(place(device), "gpu", 0, value, sizeof value)) return INVALID_ARGUMENT;
    return find(place(device), "lost", 0, value, sizeof value) ? GPU_IS_LOST : SUCCESS;
}

static int text(device_t device, const char *key, char *out, unsigned size) {
    int code = answers(device);
    if (code) return code;
    return find(place(device), key, 0, out, size) ? SUCCESS : NOT_SUPPORTED;
}

static int number(device_t device, const char *key, big *out) {
    char value[64];
    int code = text(device, key, value, sizeof value);
    if (!code) *out = strtoull(value, NULL, 0);
    return code;
}

static int small(device_t device, const char *key, unsigned *out) {
    big value = 0;
    int code = number(device, key, &value);
    if (!code) *out = (unsigned)value;
    return code;
}

int nvmlInit_v2(void) {
    char value[64];
    if (!find(-1, "init", 0, value, sizeof value)) return SUCCESS;
    if (strcmp(value, "no_driver") == 0) return DRIVER_NOT_LOADED;
    return strcmp(value, "no_permission") == 0 ? NO_PERMISSION : UNKNOWN;
}

int nvmlShutdown(void) { return SUCCESS; }

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    return find(-1, "driver", 0, out, size) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char value[64];
    for (*count = 0; find((int)*count, "gpu", 0, value, sizeof value);) ++*count;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t *device) {
    *device = (device_t)(size_t)(index + 1);
    return answers(*device);
}

int nvmlDeviceGetName(device_t device, char *out, unsigned size) { return text(device, "name", out, size); }
int nvmlDeviceGetUUID(device_t device, char *out, unsigned size) { return text(device, "uuid", out, size); }
int nvmlDeviceGetMinorNumber(device_t device, unsigned *out) { return small(device, "minor", out); }
int nvmlDeviceGetPowerUsage(device_t device, unsigned *out) { return small(device, "power_mw", out); }
int nvmlDeviceGetEnforcedPowerLimit(device_t device, unsigned *out) { return small(device, "power_limit_mw", out); }
int nvmlDeviceGetCurrPcieLinkGeneration(device_t device, unsigned *out) { return small(device, "pcie_generation", out); }
int nvmlDeviceGetCurrPcieLinkWidth(device_t device, unsigned *out) { return small(device, "pcie_width", out); }
int nvmlDeviceGetCurrentClocksThrottleReasons(device_t device, big *out) { return number(device, "throttle", out); }

int nvmlDeviceGetUtilizationRates(device_t device, utilization_t *out) {
    int code = small(device, "utilization", &out->gpu);
    return code ? code : small(device, "memory_utilization", &out->memory);
}

int nvmlDeviceGetMemoryInfo_v2(device_t device, memory_v2_t *out) {
    int code = number(device, "memory_total", &out->total);
    if (!code) code = number(device, "memory_used", &out->used);
    out->reserved = 0;
    out->free = out->total - out->used;
    return code;
}

int nvmlDeviceGetTemperature(device_t device, unsigned sensor, unsigned *out) {
    return sensor == 0 ? small(device, "temperature", out) : INVALID_ARGUMENT;
}

int nvmlDeviceGetClockInfo(device_t device, unsigned which, unsigned *out) {
    return which == 1 ? small(device, "clock_sm", out) : which == 2 ? small(device, "clock_memory", out) : NOT_SUPPORTED;
}

int nvmlDeviceGetFanSpeed_v2(device_t device, unsigned fan, unsigned *out) {
    return fan == 0 ? small(device, "fan", out) : INVALID_ARGUMENT;
}

int nvmlDeviceGetTotalEccErrors(device_t device, unsigned kind, unsigned counter, big *out) {
    (void)counter;
    return number(device, kind == 0 ? "ecc_corrected" : "ecc_uncorrected", out);
}

int nvmlDeviceGetPcieThroughput(device_t device, unsigned counter, unsigned *out) {
    return small(device, counter == 0 ? "pcie_sent" : "pcie_received", out);
}

static int processes(device_t device, const char *key, unsigned *count, process_t *out) {
    char value[64];
    int code = answers(device);
    if (code) return code;
    unsigned there = 0;
    for (; find(place(device), key, (int)there, value, sizeof value); there++) {
        if (there >= *count || !out) continue;
        char *rest = value;
        out[there].pid = (unsigned)strtoul(rest, &rest, 0);
        out[there].memory = strtoull(rest, NULL, 0);
        out[there].gpu_instance = out[there].compute_instance = 0xffffffffu;
    }
    code = there > *count ? INSUFFICIENT_SIZE : SUCCESS;
    *count = there;
    return code;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device_t device, unsigned *count, process_t *out) {
    return processes(device, "compute", count, out);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t device, unsigned *count, process_t *out) {
    return processes(device, "graphics", count, out);
}
