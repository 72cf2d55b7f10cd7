//! Classic BPF, the packet filter language that every Linux kernel runs: its instructions and an assembler.

/// One instruction in the kernel's form (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if the condition holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// Puts instructions in a row and resolves labels at the end. All jumps go forward, those with a condition over 255
/// instructions at most.
#[derive(Default)]
pub(super) struct Assembler {
    code: Vec<(Instruction, Option<(&'static str, &'static str)>)>,
    labels: Vec<(&'static str, usize)>,
}

impl Assembler {
    pub(super) fn label(&mut self, name: &'static str) {
        self.labels.push((name, self.code.len()));
    }

    fn plain(&mut self, code: u16, k: u32) {
        self.code.push((Instruction { code, jt: 0, jf: 0, k }, None));
    }

    fn jump(&mut self, code: u16, k: u32, yes: &'static str, no: &'static str) {
        self.code.push((Instruction { code, jt: 0, jf: 0, k }, Some((yes, no))));
    }

    pub(super) fn load_byte(&mut self, offset: u32) {
        self.plain(LD_B_ABS, offset);
    }
    pub(super) fn load_half(&mut self, offset: u32) {
        self.plain(LD_H_ABS, offset);
    }
    pub(super) fn load_word(&mut self, offset: u32) {
        self.plain(LD_W_ABS, offset);
    }
    pub(super) fn load_byte_x(&mut self, offset: u32) {
        self.plain(LD_B_IND, offset);
    }
    pub(super) fn load_half_x(&mut self, offset: u32) {
        self.plain(LD_H_IND, offset);
    }
    pub(super) fn load_word_x(&mut self, offset: u32) {
        self.plain(LD_W_IND, offset);
    }
    pub(super) fn load_constant(&mut self, value: u32) {
        self.plain(LD_IMM, value);
    }
    pub(super) fn load_memory(&mut self, cell: u32) {
        self.plain(LD_MEM, cell);
    }
    pub(super) fn load_length(&mut self) {
        self.plain(LD_LEN, 0);
    }
    pub(super) fn load_x_constant(&mut self, value: u32) {
        self.plain(LDX_IMM, value);
    }
    pub(super) fn store(&mut self, cell: u32) {
        self.plain(ST, cell);
    }
    pub(super) fn store_x(&mut self, cell: u32) {
        self.plain(STX, cell);
    }
    pub(super) fn add_constant(&mut self, value: u32) {
        self.plain(ALU_ADD_K, value);
    }
    pub(super) fn add_x(&mut self) {
        self.plain(ALU_ADD_X, 0);
    }
    pub(super) fn subtract_x(&mut self) {
        self.plain(ALU_SUB_X, 0);
    }
    pub(super) fn and_constant(&mut self, mask: u32) {
        self.plain(ALU_AND_K, mask);
    }
    pub(super) fn shift_left(&mut self, bits: u32) {
        self.plain(ALU_LSH_K, bits);
    }
    pub(super) fn shift_right(&mut self, bits: u32) {
        self.plain(ALU_RSH_K, bits);
    }
    pub(super) fn move_to_x(&mut self) {
        self.plain(MISC_TAX, 0);
    }
    pub(super) fn move_from_x(&mut self) {
        self.plain(MISC_TXA, 0);
    }
    pub(super) fn accept(&mut self, bytes: u32) {
        self.plain(RET_K, bytes);
    }
    pub(super) fn jump_eq(&mut self, value: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JEQ_K, value, yes, no);
    }
    pub(super) fn jump_ge(&mut self, value: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JGE_K, value, yes, no);
    }
    pub(super) fn jump_set(&mut self, mask: u32, yes: &'static str, no: &'static str) {
        self.jump(JMP_JSET_K, mask, yes, no);
    }
    pub(super) fn jump_greater_x(&mut self, yes: &'static str, no: &'static str) {
        self.jump(JMP_JGT_X, 0, yes, no);
    }
    pub(super) fn goto(&mut self, to: &'static str) {
        self.jump(JMP_JA, 0, to, to);
    }

    /// From the offset of a TCP header in X to the offset of its payload in X.
    pub(super) fn tcp_payload_offset_to_x(&mut self) {
        self.load_byte_x(12);
        self.shift_right(2);
        self.and_constant(0x3c);
        self.add_x();
        self.move_to_x();
    }

    pub(super) fn finish(self) -> Vec<Instruction> {
        let distance = |from: usize, name: &str| -> usize {
            let target = self.labels.iter().find(|(label, _)| *label == name).map(|(_, at)| *at);
            // The programs are constants: their tests build them, so a label that is missing or lies behind can never
            // reach a user.
            target.and_then(|at| at.checked_sub(from + 1)).unwrap_or(usize::MAX)
        };
        let short = |far: usize| u8::try_from(far).unwrap_or(u8::MAX);
        self.code
            .iter()
            .enumerate()
            .map(|(at, (instruction, jump))| match jump {
                None => *instruction,
                Some((to, _)) if instruction.code == JMP_JA => {
                    Instruction { k: u32::try_from(distance(at, to)).unwrap_or(u32::MAX), ..*instruction }
                }
                Some((yes, no)) => {
                    Instruction { jt: short(distance(at, yes)), jf: short(distance(at, no)), ..*instruction }
                }
            })
            .collect()
    }
}

// Operation codes (linux/bpf_common.h).
pub(super) const LD_W_ABS: u16 = 0x20;
pub(super) const LD_H_ABS: u16 = 0x28;
pub(super) const LD_B_ABS: u16 = 0x30;
pub(super) const LD_W_IND: u16 = 0x40;
pub(super) const LD_H_IND: u16 = 0x48;
pub(super) const LD_B_IND: u16 = 0x50;
pub(super) const LD_IMM: u16 = 0x00;
pub(super) const LD_MEM: u16 = 0x60;
pub(super) const LD_LEN: u16 = 0x80;
pub(super) const LDX_IMM: u16 = 0x01;
pub(super) const ST: u16 = 0x02;
pub(super) const STX: u16 = 0x03;
pub(super) const ALU_ADD_K: u16 = 0x04;
pub(super) const ALU_ADD_X: u16 = 0x0c;
pub(super) const ALU_SUB_X: u16 = 0x1c;
pub(super) const ALU_AND_K: u16 = 0x54;
pub(super) const ALU_LSH_K: u16 = 0x64;
pub(super) const ALU_RSH_K: u16 = 0x74;
pub(super) const JMP_JA: u16 = 0x05;
pub(super) const JMP_JEQ_K: u16 = 0x15;
pub(super) const JMP_JGE_K: u16 = 0x35;
pub(super) const JMP_JSET_K: u16 = 0x45;
pub(super) const JMP_JGT_X: u16 = 0x2d;
pub(super) const RET_K: u16 = 0x06;
pub(super) const MISC_TAX: u16 = 0x07;
pub(super) const MISC_TXA: u16 = 0x87;
